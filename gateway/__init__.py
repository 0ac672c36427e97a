"""The head end's core: the words, rules, messages and ports that everything else is built on."""
