"""The portal of the Texas retail market: who may see which meter, and everything they see."""
