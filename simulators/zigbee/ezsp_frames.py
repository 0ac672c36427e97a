"""The table of EZSP frames that the co-processor knows, and what later protocol versions changed.

A line is: id, name, the fields of the command, an arrow, the fields of the response; a callback has only the latter.
Field kinds are explained in ezsp.py. Source: Silicon Labs UG100, "EZSP reference guide", by version.
"""

STRUCTS = """
aps       profile:u16 cluster:u16 source_endpoint:u8 destination_endpoint:u8 options:u16 group:u16 sequence:u8
network   extended_pan_id:u64 pan_id:u16 tx_power:i8 channel:u8 join_method:u8 manager:u16 update_id:u8 channels:u32
security  bitmask:u16 preconfigured_key:key network_key:key network_key_sequence:u8 trust_center:u64
current   bitmask:u16 trust_center:u64
multicast group:u16 endpoint:u8 network_index:u8
child     eui64:u64 type:u8 nwk:u16 phy:u8 power:u8 timeout:u8 remaining:u32
context   core:u8 index:u8 derived:u16 eui64:u64 network_index:u8 flags:u8 algorithm:u32
aps_key   bitmask:u16 outgoing:u32 incoming:u32 ttl_s:u16
net_key   set:bool alternate_set:bool sequence:u8 alternate_sequence:u8 counter:u32
"""

VERSION_13 = """
0000 version desired:u8 -> protocol:u8 stack_type:u8 stack_version:u16
0002 addEndpoint endpoint:u8 profile:u16 device:u16 version:u8 inputs:u8 outputs:u8 clusters:rest -> status:ezsp
0003 getExtendedValue value_id:u8 characteristics:u32 -> status:ezsp value:counted
0005 nop ->
000B getMfgToken token:u8 -> value:counted
000C setMfgToken token:u8 value:counted -> status:ember
0010 setConcentrator on:bool type:u16 least_s:u16 most_s:u16 errors:u8 failures:u8 hops:u8 -> status:ember
0015 setManufacturerCode code:u16 ->
0016 setPowerDescriptor descriptor:u16 ->
0017 networkInit bitmask:u16 -> status:ember
0018 networkState -> state:u8
0019 stackStatusHandler status:ember
001A startScan type:u8 channels:u32 duration:u8 -> status:ember
001C scanCompleteHandler channel:u8 status:ember
001D stopScan -> status:ember
001E formNetwork parameters:network -> status:ember
0020 leaveNetwork -> status:ember
0022 permitJoining duration_s:u8 -> status:ember
0023 childJoinHandler index:u8 joining:bool nwk:u16 eui64:u64 type:u8
0024 trustCenterJoinHandler nwk:u16 eui64:u64 status:u8 decision:u8 parent:u16
0026 getEui64 -> eui64:u64
0027 getNodeId -> nwk:u16
0028 getNetworkParameters -> status:ember node_type:u8 parameters:network
0034 sendUnicast type:u8 destination:u16 aps:aps tag:u8 message:counted -> status:ember sequence:u8
0036 sendBroadcast destination:u16 aps:aps radius:u8 tag:u8 message:counted -> status:ember sequence:u8
0038 sendMulticast aps:aps hops:u8 radius:u8 tag:u8 message:counted -> status:ember sequence:u8
0039 sendReply destination:u16 aps:aps message:counted -> status:ember
003F messageSentHandler type:u8 destination:u16 aps:aps tag:u8 status:ember message:counted
0045 incomingMessageHandler type:u8 aps:aps lqi:u8 rssi:i8 nwk:u16 binding:u8 address:u8 message:counted
0047 customFrame payload:counted -> status:ember reply:counted
0048 energyScanResultHandler channel:u8 rssi:i8
0049 getRandomNumber -> status:ember value:u16
004A getChildData index:u8 -> status:ember child:child
0052 getConfigurationValue config:u8 -> status:ezsp value:u16
0053 setConfigurationValue config:u8 value:u16 -> status:ezsp
0055 setPolicy policy:u8 decision:u8 -> status:ezsp
0056 getPolicy policy:u8 -> status:ezsp decision:u8
0058 invalidCommand -> status:ezsp
005A setSourceRouteDiscoveryMode mode:u8 -> remaining_ms:u32
005E getAddressTableRemoteEui64 index:u8 -> eui64:u64
005F getAddressTableRemoteNodeId index:u8 -> nwk:u16
0060 lookupNodeIdByEui64 eui64:u64 -> nwk:u16
0061 lookupEui64ByNodeId nwk:u16 -> status:ember eui64:u64
0063 getMulticastTableEntry index:u8 -> status:ember value:multicast
0064 setMulticastTableEntry index:u8 value:multicast -> status:ember
0065 readAndClearCounters -> values:rest
0068 setInitialSecurityState state:security -> status:ember
0069 getCurrentSecurityState -> status:ember state:current
006B clearTransientLinkKeys ->
006E switchNetworkKeyHandler sequence:u8
0073 broadcastNextNetworkKey key:key -> status:ember
0074 broadcastNetworkKeySwitch -> status:ember
0075 findKeyTableEntry address:u64 link_key:bool -> index:u8
0076 eraseKeyTableEntry index:u8 -> status:ember
0077 tokenFactoryReset exclude_outgoing:bool exclude_boot:bool ->
007E setExtendedTimeout eui64:u64 extended:bool ->
007F getExtendedTimeout eui64:u64 -> extended:bool
0081 echo data:counted -> data:counted
0082 replaceAddressTableEntry index:u8 eui64:u64 nwk:u16 extended:bool -> status:ember eui64:u64 nwk:u16 extended:bool
0099 setRadioPower power:i8 -> status:ember
00A8 removeDevice nwk:u16 eui64:u64 target:u64 -> status:ember
00A9 unicastNwkKeyUpdate nwk:u16 eui64:u64 key:key -> status:ember
00AA getValue value_id:u8 -> status:ezsp value:counted
00AB setValue value_id:u8 value:counted -> status:ezsp
00AC setChildData index:u8 child:child -> status:ember
00AE setSourceRoute destination:u16 relays:counted -> status:ember
00B1 clearKeyTable -> status:ember
00E2 gpSinkTableClearAll ->
00F1 readCounters -> values:rest
0102 getTokenData token:u32 index:u32 -> status:ember value:optional
0103 setTokenData token:u32 index:u32 value:counted32 -> status:ember
010C getApsKeyInfo context:context -> eui64:u64 info:aps_key status:sl
010D exportLinkKeyByEui eui64:u64 -> key:key index:u8 info:aps_key status:sl
010E importLinkKey index:u8 eui64:u64 key:key -> status:sl
010F exportLinkKeyByIndex index:u8 -> eui64:u64 key:key info:aps_key status:sl
0111 importTransientKey eui64:u64 key:key flags:rest -> status:sl
0112 exportTransientKeyByIndex index:u8 -> context:context key:key info:aps_key status:sl
0113 exportTransientKeyByEui eui64:u64 -> context:context key:key info:aps_key status:sl
0114 exportKey context:context -> key:key status:sl
0116 getNetworkKeyInfo -> status:sl info:net_key
"""

VERSION_14 = """
0015 setManufacturerCode code:u16 -> status:sl
0016 setPowerDescriptor descriptor:u16 -> status:sl
0020 leaveNetwork options:u8 -> status:sl
0034 sendUnicast type:u8 destination:u16 aps:aps tag:u16 message:counted -> status:sl sequence:u8
0036 sendBroadcast alias:u16 destination:u16 alias_sequence:u8 aps:aps radius:u8 tag:u16 message:counted -> \
status:sl sequence:u8
0038 sendMulticast aps:aps hops:u8 destination:u16 alias:u16 alias_sequence:u8 tag:u16 message:counted -> \
status:sl sequence:u8
003F messageSentHandler status:sl type:u8 destination:u16 aps:aps tag:u16 message:counted
0045 incomingMessageHandler type:u8 aps:aps nwk:u16 eui64:u64 binding:u8 address:u8 lqi:u8 rssi:i8 timestamp:u32 \
message:counted
005C setAddressTableInfo index:u8 eui64:u64 nwk:u16 -> status:sl
005E getAddressTableInfo index:u8 -> status:sl nwk:u16 eui64:u64
005F -
0060 lookupNodeIdByEui64 eui64:u64 -> status:sl nwk:u16
007E setExtendedTimeout eui64:u64 extended:bool -> status:sl
007F getExtendedTimeout eui64:u64 -> status:sl
010C getApsKeyInfo context:context -> status:sl info:aps_key context:context
010D exportLinkKeyByEui eui64:u64 -> status:sl context:context key:key info:aps_key
010F exportLinkKeyByIndex index:u8 -> status:sl context:context key:key info:aps_key
0112 exportTransientKeyByIndex index:u8 -> status:sl context:context key:key info:aps_key
0113 exportTransientKeyByEui eui64:u64 -> status:sl context:context key:key info:aps_key
0114 exportKey context:context -> status:sl key:key context:context
"""

CHANGES: tuple[tuple[int, str], ...] = ((13, VERSION_13), (14, VERSION_14))
"""From which version on which lines hold; a line with a dash takes its frame away."""

STACK_VERSIONS = {13: 0x7440, 14: 0x8000, 16: 0x8100, 17: 0x8110, 18: 0x8200, 19: 0x9000}
"""The EZSP versions that can be played, each with a stack that speaks it."""
