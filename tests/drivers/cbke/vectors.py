"""The worked examples of ZigBee Smart Energy, annexes C.5 (suite 1) and C.6 (suite 2): device 2 initiates."""

from dataclasses import dataclass

from drivers.zigbee.cbke.agreement import Ephemeral, ephemeral_of
from drivers.zigbee.cbke.certificates import Identity, PrivateKey, identity, parse
from drivers.zigbee.cbke.suites import SUITE_1, SUITE_2, Suite

_OCTETS = bytes.fromhex


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one device of an example has."""

    certificate: bytes
    private: bytes
    ephemeral_private: bytes
    ephemeral: bytes
    mac: bytes


@dataclass(frozen=True, kw_only=True)
class Example:
    """One annex: what is given, and what both sides arrive at."""

    suite: Suite
    authority: bytes
    initiator: Side
    responder: Side
    secret: bytes
    mac_key: bytes
    link_key: bytes

    def identity(self, side: Side) -> Identity:
        authority = self.suite.curve.decompress(self.authority)
        return identity(parse(side.certificate), PrivateKey(side.private), authority)

    def ephemeral(self, side: Side) -> Ephemeral:
        return ephemeral_of(self.suite, PrivateKey(side.ephemeral_private))


C_5 = Example(
    suite=SUITE_1,
    authority=_OCTETS("0200fde8a7f3d1084224962a4e7c54e69ac3f04da6b8"),
    initiator=Side(
        certificate=_OCTETS(
            "020615e07d30eca2dad58002e667d94bc1b422398307 0000000000000002 5445535453454341 01090006000000000000"
        ),
        private=_OCTETS("01e9ddb5580cf72ece7f215f0ae594e48df3e7fee8"),
        ephemeral_private=_OCTETS("0013d36de4b1ea8e22739c381370823f404bff8862"),
        ephemeral=_OCTETS("0300e117c86d0e7cd128b2f34e9076cff24af46d7288"),
        mac=_OCTETS("b82f1f9774740c32f80fcfc3921b6420"),
    ),
    responder=Side(
        certificate=_OCTETS(
            "03045fdfc8d85ffb8b3993cb72ddcaa55f00b3e87d6d 0000000000000001 5445535453454341 01090006000000000000"
        ),
        private=_OCTETS("00b8a900fcadebabbfa383b540fce9ed438395eaa7"),
        ephemeral_private=_OCTETS("03d48c7210ddbcc4fb2e5e7a0aa16a0db89540820b"),
        ephemeral=_OCTETS("0306ab52062201d995b8b8591f3f086a3a2e214d845e"),
        mac=_OCTETS("79d5f2ad1c31d4d1ee7cb719ac683c3c"),
    ),
    secret=_OCTETS("00e0d2c3ccd5c106a89c4f6cc26a5f7ec9df78a7be"),
    mac_key=_OCTETS("90f967b22c8357c10c1c04788de9e848"),
    link_key=_OCTETS("86d58aaa998e2faefaf9fef49606543a"),
)
C_6 = Example(
    suite=SUITE_2,
    authority=_OCTETS("0207a445022d9f39f49bdc38380026a27a9e0a1799313ab28c5c1a1c6b605154db1dff6752"),
    initiator=Side(
        certificate=_OCTETS(
            "00 84a933b37f018dec 0d 08 1112131415161718 005292a38a ffffffff 0a0b0c0d0e0f1012 88"
            "03076277e2f7e2252b16a0e92b6e8771bb3f207946cbd4a45d9a9df6edab8c796a48e89dec"
        ),
        private=_OCTETS("00f2561adb39ef49c1d62ef5186c6e0c158a5a45bfce38660931acc3694592d5acde9006"),
        ephemeral_private=_OCTETS("0013d36de4b1ea8e22739c381370823f404bff8862b521feca9871fb3691846d361304b4"),
        ephemeral=_OCTETS("0305f3394e15680660eecaa36788d9b6f312b971ce2c9617570bf7dfcd21c972017762c332"),
        mac=_OCTETS("bf7e1a26d4ef7038b56813e465a131c9"),
    ),
    responder=Side(
        certificate=_OCTETS(
            "00 2622a505e8938f27 0d 08 1112131415161718 005292a35b ffffffff 0a0b0c0d0e0f1011 88"
            "0303b4e9dc543a64333c982308022b54e67e2f15f532551b0a11e2e2c1c1d3097a4324e7ed"
        ),
        private=_OCTETS("0151cd0dbcb80474bf7ac9feebe39c7a32a63518938fca9754aae132bc9c73be94a7e1be"),
        ephemeral_private=_OCTETS("03d48c7210ddbcc4fb2e5e7a0aa16a0db89540820b8dc091ab521ea824afe117cade995b"),
        ephemeral=_OCTETS("03009a5131cf5b92a016378c0f7f284ecd47f94010f875d43bf1e9a65474adbfc63696a930"),
        mac=_OCTETS("c5b432a9995a092f4449f83613930064"),
    ),
    secret=_OCTETS("04f7724a9a77b21d2747ccef68a457e45246c4be9f66fd9425227bcb2cc5180ea9cccb9a"),
    mac_key=_OCTETS("ed380a00296600fb6b893025de5fd137"),
    link_key=_OCTETS("aa4689c70be0faf0c9be534abd9f4cdc"),
)
EXAMPLES = (C_5, C_6)
