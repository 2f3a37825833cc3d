# SPDX-License-Identifier: GPL-2.0-or-later
"""rtnetlink(7): links, addresses, routes, neighbours, rules and their attributes.

Messages of other kinds show their family and the rest as bytes, as strace shows those it does not
know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sandtrace.decode import names
from sandtrace.decode.model import (
    Array,
    Flags,
    Hex,
    Int,
    Named,
    Struct,
    Symbol,
    Unknown,
    Value,
)
from sandtrace.decode.netlink import (
    Attributes,
    Show,
    attributes,
    bits,
    chosen,
    hardware_address,
    hexadecimal,
    integer,
    interface_index,
    internet_address,
    layout,
    limited,
    nested,
    number,
    s32,
    string,
    u8,
    u16,
    u32,
    u64,
)
from sandtrace.decode.sockaddr import interface
from sandtrace.decode.view import View

Field = tuple[str, int, int, Callable[[int], Value]]
"""Name, offset, size, how it is shown."""


def _choice(table: str, unknown: str) -> Callable[[int], Value]:
    return lambda value: names.choice(table, value, unknown)


def _bits(table: str, unknown: str) -> Callable[[int], Value]:
    def show(value: int) -> Value:
        found = names.flags(table, value)
        return Flags(found.value, found.names, found.rest, unknown)

    return show


_SERVICES: Final = {
    0x10: "IPTOS_LOWDELAY", 8: "IPTOS_THROUGHPUT", 4: "IPTOS_RELIABILITY", 2: "IPTOS_MINCOST",
}  # fmt: skip


def _type_of_service(value: int) -> Value:
    """linux/ip.h's IPTOS_*."""
    name = _SERVICES.get(value)
    if name is not None:
        return Symbol(name, value)
    return Unknown(value, "IPTOS_TOS_???") if value else Int(0)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of messages: the structure that they begin with, and their attributes."""

    size: int
    family: str
    fields: tuple[Field, ...]
    attributes: Callable[[int, bytes], Attributes]


# --- links -------------------------------------------------------------------------------------

_STATS = (
    "rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped",
    "tx_dropped", "multicast", "collisions", "rx_length_errors", "rx_over_errors", "rx_crc_errors",
    "rx_frame_errors", "rx_fifo_errors", "rx_missed_errors", "tx_aborted_errors",
    "tx_carrier_errors", "tx_fifo_errors", "tx_heartbeat_errors", "tx_window_errors",
    "rx_compressed", "tx_compressed", "rx_nohandler",
)  # fmt: skip


def _indexed(
    table: str, unknown: str, size: int, *, first: int = 0, signed: bool = False, suffix: str = ""
) -> Show:
    """``[[DEVCONF_FORWARDING]=0, ...]``: numbers whose places have names."""

    def show(view: View, data: bytes) -> Value | None:
        items: list[Value] = []
        known = names.by_value(table)
        for index in range(len(data) // size):
            name = known.get(index + first)
            shown = f"{name}{suffix}" if name else f"{index + first} /* {unknown} */"
            items.append(Named(f"[{shown}]", Int(number(data, index * size, size, signed=signed))))
        return limited(view, items) if items else None

    return show


def _map(_view: View, data: bytes) -> Value | None:
    """struct rtnl_link_ifmap."""
    if len(data) < 28:
        return None
    return Struct(
        (
            ("mem_start", Hex(number(data, 0, 8))),
            ("mem_end", Hex(number(data, 8, 8))),
            ("base_addr", Hex(number(data, 16, 8))),
            ("irq", Int(number(data, 24, 2))),
            ("dma", Int(data[26])),
            ("port", Int(data[27])),
        )
    )


_XDP: Final = Attributes(
    "rtnl_ifla_xdp_attrs", "IFLA_XDP_???",
    {
        "IFLA_XDP_FD": s32, "IFLA_XDP_PROG_ID": u32, "IFLA_XDP_DRV_PROG_ID": u32,
        "IFLA_XDP_SKB_PROG_ID": u32, "IFLA_XDP_HW_PROG_ID": u32,
        "IFLA_XDP_ATTACHED": chosen("rtnl_ifla_xdp_attached_mode", "XDP_ATTACHED_???", 1),
    },
)  # fmt: skip
_INET: Final = Attributes(
    "rtnl_ifla_inet_attrs", "IFLA_INET_???",
    {"IFLA_INET_CONF": _indexed(
        "inet_devconf_indices", "IPV4_DEVCONF_???", 4, first=1, suffix="-1")},
)  # fmt: skip
_INET6: Final = Attributes(
    "rtnl_ifla_inet6_attrs", "IFLA_INET6_???",
    {
        "IFLA_INET6_FLAGS": bits("inet6_if_flags", "IF_???"),
        "IFLA_INET6_CONF": _indexed("inet6_devconf_indices", "DEVCONF_???", 4, signed=True),
        "IFLA_INET6_STATS": _indexed("snmp_ip_stats", "IPSTATS_MIB_???", 8),
        "IFLA_INET6_ICMP6STATS": _indexed("snmp_icmp6_stats", "ICMP6_MIB_???", 8),
        "IFLA_INET6_CACHEINFO": layout(
            4, "max_reasm_len", "tstamp", "reachable_time", "retrans_time"),
        "IFLA_INET6_TOKEN": internet_address(10),
        "IFLA_INET6_ADDR_GEN_MODE": chosen("in6_addr_gen_mode", "IN6_ADDR_GEN_MODE_???", 1),
    },
)  # fmt: skip
_AF_SPEC: Final = Attributes(
    "addrfams", "AF_???", {"AF_INET": nested(_INET), "AF_INET6": nested(_INET6)}
)
_INFO: Final = Attributes(
    "rtnl_ifla_info_attrs", "IFLA_INFO_???",
    {"IFLA_INFO_KIND": string, "IFLA_INFO_SLAVE_KIND": string},
)  # fmt: skip
_LINK: Final = Attributes(
    "rtnl_link_attrs", "IFLA_???",
    {
        **dict.fromkeys(("IFLA_ADDRESS", "IFLA_BROADCAST", "IFLA_PERM_ADDRESS"), hardware_address),
        **dict.fromkeys(
            ("IFLA_IFNAME", "IFLA_QDISC", "IFLA_IFALIAS", "IFLA_PHYS_PORT_NAME", "IFLA_ALT_IFNAME",
             "IFLA_PARENT_DEV_NAME", "IFLA_PARENT_DEV_BUS_NAME"), string),
        **dict.fromkeys(
            ("IFLA_MTU", "IFLA_MASTER", "IFLA_TXQLEN", "IFLA_WEIGHT", "IFLA_NUM_VF",
             "IFLA_GROUP", "IFLA_PROMISCUITY", "IFLA_NUM_TX_QUEUES", "IFLA_NUM_RX_QUEUES",
             "IFLA_CARRIER_CHANGES", "IFLA_GSO_MAX_SEGS", "IFLA_GSO_MAX_SIZE",
             "IFLA_CARRIER_UP_COUNT", "IFLA_CARRIER_DOWN_COUNT", "IFLA_MIN_MTU", "IFLA_MAX_MTU",
             "IFLA_GRO_MAX_SIZE", "IFLA_TSO_MAX_SIZE", "IFLA_TSO_MAX_SEGS", "IFLA_ALLMULTI",
             "IFLA_NET_NS_PID", "IFLA_EVENT"), u32),
        **dict.fromkeys(
            ("IFLA_OPERSTATE", "IFLA_LINKMODE", "IFLA_CARRIER", "IFLA_PROTO_DOWN"), u8),
        "IFLA_LINK": interface_index, "IFLA_NEW_IFINDEX": interface_index,
        "IFLA_NET_NS_FD": s32, "IFLA_LINK_NETNSID": s32, "IFLA_NEW_NETNSID": s32,
        "IFLA_IF_NETNSID": s32,
        "IFLA_STATS": layout(4, *_STATS),
        "IFLA_STATS64": layout(8, *_STATS, "rx_otherhost_dropped"),
        "IFLA_MAP": _map, "IFLA_EXT_MASK": bits("rtnl_ext_filter", "RTEXT_FILTER_???"),
        "IFLA_XDP": nested(_XDP), "IFLA_AF_SPEC": nested(_AF_SPEC),
        "IFLA_LINKINFO": nested(_INFO),
    },
)  # fmt: skip
_LINK_KIND: Final = Kind(
    16, "ifi_family",
    (
        ("ifi_type", 2, 2, _choice("arp_hardware_types", "ARPHRD_???")),
        ("ifi_index", 4, 4, interface),
        ("ifi_flags", 8, 4, _bits("iffflags", "IFF_???")),
        ("ifi_change", 12, 4, Hex),
    ),
    lambda _family, _header: _LINK,
)  # fmt: skip

# --- addresses, routes, neighbours, rules ------------------------------------------------------


@lru_cache(maxsize=8)
def _address_attributes(family: int) -> Attributes:
    address = internet_address(family)
    return Attributes(
        "rtnl_addr_attrs", "IFA_???",
        {
            **dict.fromkeys(("IFA_ADDRESS", "IFA_LOCAL", "IFA_BROADCAST", "IFA_ANYCAST",
                             "IFA_MULTICAST"), address),
            "IFA_LABEL": string, "IFA_FLAGS": bits("ifaddrflags", "IFA_F_???"),
            "IFA_RT_PRIORITY": u32, "IFA_TARGET_NETNSID": s32,
            "IFA_CACHEINFO": layout(4, "ifa_prefered", "ifa_valid", "cstamp", "tstamp"),
        },
    )  # fmt: skip


_METRICS: Final = Attributes(
    "rtnl_rta_metrics_attrs", "RTAX_???",
    {
        **dict.fromkeys(
            ("RTAX_LOCK", "RTAX_MTU", "RTAX_WINDOW", "RTAX_RTT", "RTAX_RTTVAR", "RTAX_SSTHRESH",
             "RTAX_CWND", "RTAX_ADVMSS", "RTAX_REORDERING", "RTAX_HOPLIMIT", "RTAX_INITCWND",
             "RTAX_FEATURES", "RTAX_RTO_MIN", "RTAX_INITRWND", "RTAX_QUICKACK",
             "RTAX_FASTOPEN_NO_COOKIE"), u32),
        "RTAX_CC_ALGO": string,
    },
)  # fmt: skip
_NEXT_HOP = 8  # sizeof(struct rtnexthop)


def _multipath(family: int) -> Show:
    def show(view: View, data: bytes) -> Value | None:
        items: list[Value] = []
        at = 0
        while len(data) - at >= _NEXT_HOP:
            size = number(data, at, 2)
            header = Struct(
                (
                    ("rtnh_len", Int(size)),
                    ("rtnh_flags", _bits("route_nexthop_flags", "RTNH_F_???")(data[at + 2])),
                    ("rtnh_hops", Int(data[at + 3])),
                    ("rtnh_ifindex", interface(number(data, at + 4, 4))),
                )
            )
            inner = data[at + _NEXT_HOP : at + max(size, _NEXT_HOP)]
            more = attributes(view, inner, _route_attributes(family)) if inner else None
            items.append(header if more is None else Array((header, more)))
            at += -(-size // 4) * 4
            if size < _NEXT_HOP:
                break
        return Array(tuple(items)) if items else None

    return show


@lru_cache(maxsize=8)
def _route_attributes(family: int) -> Attributes:
    address = internet_address(family)
    table = chosen("routing_table_ids", "RT_TABLE_???")
    return Attributes(
        "rtnl_route_attrs", "RTA_???",
        {
            **dict.fromkeys(
                ("RTA_DST", "RTA_SRC", "RTA_GATEWAY", "RTA_PREFSRC", "RTA_NEWDST"), address),
            **dict.fromkeys(("RTA_IIF", "RTA_OIF"), interface_index),
            **dict.fromkeys(("RTA_PRIORITY", "RTA_MARK", "RTA_UID", "RTA_FLOW", "RTA_NH_ID"), u32),
            "RTA_TABLE": lambda view, data: _table_or_number(table(view, data)),
            "RTA_METRICS": nested(_METRICS), "RTA_MULTIPATH": _multipath(family),
            "RTA_CACHEINFO": layout(
                4, "rta_clntref", "rta_lastuse", "rta_expires", "rta_error", "rta_used", "rta_id",
                "rta_ts", "rta_tsage"),
            "RTA_PREF": u8, "RTA_ENCAP_TYPE": u16, "RTA_EXPIRES": u64, "RTA_TTL_PROPAGATE": u8,
            "RTA_IP_PROTO": chosen("inet_protocols", "IPPROTO_???", 1),
            "RTA_SPORT": _port, "RTA_DPORT": _port,
        },
    )  # fmt: skip


def _table_or_number(found: Value | None) -> Value | None:
    return found if isinstance(found, Symbol) or found is None else Int(getattr(found, "value", 0))


def _port(_view: View, data: bytes) -> Value | None:
    from sandtrace.decode.sockaddr import htons

    return htons(data[:2]) if len(data) >= 2 else None


@lru_cache(maxsize=8)
def _neighbour_attributes(family: int) -> Attributes:
    return Attributes(
        "rtnl_neigh_attrs", "NDA_???",
        {
            "NDA_DST": internet_address(family), "NDA_LLADDR": hardware_address,
            "NDA_CACHEINFO": layout(
                4, "ndm_confirmed", "ndm_used", "ndm_updated", "ndm_refcnt"),
            "NDA_PROBES": u32, "NDA_VLAN": u16, "NDA_PORT": _port, "NDA_VNI": u32,
            "NDA_IFINDEX": interface_index, "NDA_MASTER": interface_index,
            "NDA_LINK_NETNSID": u32, "NDA_SRC_VNI": u32, "NDA_NH_ID": u32,
        },
    )  # fmt: skip


@lru_cache(maxsize=8)
def _rule_attributes(family: int) -> Attributes:
    address = internet_address(family)
    table = chosen("routing_table_ids", "RT_TABLE_???")
    return Attributes(
        "rtnl_rule_attrs", "FRA_???",
        {
            "FRA_DST": address, "FRA_SRC": address, "FRA_IIFNAME": string, "FRA_OIFNAME": string,
            **dict.fromkeys(("FRA_GOTO", "FRA_PRIORITY", "FRA_FWMARK", "FRA_FLOW",
                             "FRA_SUPPRESS_IFGROUP", "FRA_SUPPRESS_PREFIXLEN", "FRA_FWMASK"), u32),
            "FRA_TUN_ID": integer(8), "FRA_L3MDEV": u8,
            "FRA_TABLE": lambda view, data: _table_or_number(table(view, data)),
            "FRA_PROTOCOL": chosen("routing_protocols", "RTPROT_???", 1),
            "FRA_IP_PROTO": chosen("inet_protocols", "IPPROTO_???", 1),
            "FRA_UID_RANGE": layout(4, "start", "end"),
            "FRA_SPORT_RANGE": layout(2, "start", "end"),
            "FRA_DPORT_RANGE": layout(2, "start", "end"),
        },
    )  # fmt: skip


_ADDRESS_KIND: Final = Kind(
    8, "ifa_family",
    (
        ("ifa_prefixlen", 1, 1, Int), ("ifa_flags", 2, 1, _bits("ifaddrflags", "IFA_F_???")),
        ("ifa_scope", 3, 1, _choice("routing_scopes", "RT_SCOPE_???")),
        ("ifa_index", 4, 4, interface),
    ),
    lambda family, _header: _address_attributes(family),
)  # fmt: skip
_ROUTE_KIND: Final = Kind(
    12, "rtm_family",
    (
        ("rtm_dst_len", 1, 1, Int), ("rtm_src_len", 2, 1, Int), ("rtm_tos", 3, 1, _type_of_service),
        ("rtm_table", 4, 1, _choice("routing_table_ids", "RT_TABLE_???")),
        ("rtm_protocol", 5, 1, _choice("routing_protocols", "RTPROT_???")),
        ("rtm_scope", 6, 1, _choice("routing_scopes", "RT_SCOPE_???")),
        ("rtm_type", 7, 1, _choice("routing_types", "RTN_???")),
        ("rtm_flags", 8, 4, _bits("routing_flags", "RTM_F_???")),
    ),
    lambda family, _header: _route_attributes(family),
)  # fmt: skip
_NEIGHBOUR_KIND: Final = Kind(
    12, "ndm_family",
    (
        ("ndm_ifindex", 4, 4, interface),
        ("ndm_state", 8, 2, lambda value: Symbol("NUD_NONE", 0) if value == 0 else _bits(
            "neighbor_cache_entry_states", "NUD_???")(value)),
        ("ndm_flags", 10, 1, _bits("neighbor_cache_entry_flags", "NTF_???")),
        ("ndm_type", 11, 1, _choice("routing_types", "RTN_???")),
    ),
    lambda family, _header: _neighbour_attributes(family),
)  # fmt: skip
_RULE_KIND: Final = Kind(
    12, "family",
    (
        ("dst_len", 1, 1, Int), ("src_len", 2, 1, Int), ("tos", 3, 1, _type_of_service),
        ("table", 4, 1, _choice("routing_table_ids", "RT_TABLE_???")),
        ("action", 7, 1, _choice("fib_rule_actions", "FR_ACT_???")),
        ("flags", 8, 4, _bits("fib_rule_flags", "FIB_RULE_???")),
    ),
    lambda family, _header: _rule_attributes(family),
)  # fmt: skip
_BASIC = layout(8, "bytes")


def _basic(view: View, data: bytes) -> Value | None:
    """struct gnet_stats_basic: 64 bits and 32."""
    first = _BASIC(view, data)
    if not isinstance(first, Struct) or len(data) < 12:
        return None
    return Struct((*first.fields, ("packets", Int(number(data, 8, 4)))))


_MORE_STATS = layout(4, "packets", "drops", "overlimits", "bps", "pps", "qlen", "backlog")


def _tc_stats(view: View, data: bytes) -> Value | None:
    """struct tc_stats: 64 bits, and seven times 32."""
    first, more = _BASIC(view, data), _MORE_STATS(view, data[8:])
    if not isinstance(first, Struct) or not isinstance(more, Struct) or len(data) < 36:
        return None
    return Struct((*first.fields, *more.fields))


_TC_STATS: Final = Attributes(
    "rtnl_tca_stats_attrs", "TCA_STATS_???",
    {
        "TCA_STATS_BASIC": _basic, "TCA_STATS_BASIC_HW": _basic,
        "TCA_STATS_RATE_EST": layout(4, "bps", "pps"),
        "TCA_STATS_RATE_EST64": layout(8, "bps", "pps"),
        "TCA_STATS_QUEUE": layout(4, "qlen", "backlog", "drops", "requeues", "overlimits"),
    },
)  # fmt: skip
_TC: Final = Attributes(
    "rtnl_tc_attrs", "TCA_???",
    {
        "TCA_KIND": string, "TCA_CHAIN": u32, "TCA_HW_OFFLOAD": u8, "TCA_FCNT": u32,
        "TCA_INGRESS_BLOCK": u32, "TCA_EGRESS_BLOCK": u32, "TCA_STATS2": nested(_TC_STATS),
        "TCA_STATS": _tc_stats,
    },
)  # fmt: skip
_TC_KIND: Final = Kind(
    20, "tcm_family",
    (
        ("tcm_ifindex", 4, 4, interface), ("tcm_handle", 8, 4, Int), ("tcm_parent", 12, 4, Int),
        ("tcm_info", 16, 4, Int),
    ),
    lambda _family, _header: _TC,
)  # fmt: skip
_NETCONF: Final = Attributes(
    "rtnl_netconf_attrs", "NETCONFA_???",
    {
        "NETCONFA_IFINDEX": interface_index,
        **dict.fromkeys(
            ("NETCONFA_FORWARDING", "NETCONFA_RP_FILTER", "NETCONFA_MC_FORWARDING",
             "NETCONFA_PROXY_NEIGH", "NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN", "NETCONFA_INPUT",
             "NETCONFA_BC_FORWARDING"), s32),
    },
)  # fmt: skip
_NETCONF_KIND: Final = Kind(4, "ncm_family", (), lambda _family, _header: _NETCONF)
_PARAMETERS: Final = Attributes(
    "rtnl_neightbl_parms_attrs", "NDTPA_???",
    {
        "NDTPA_IFINDEX": interface_index,
        **dict.fromkeys(
            ("NDTPA_REFCNT", "NDTPA_APP_PROBES", "NDTPA_UCAST_PROBES", "NDTPA_MCAST_PROBES",
             "NDTPA_QUEUE_LEN", "NDTPA_PROXY_QLEN", "NDTPA_QUEUE_LENBYTES",
             "NDTPA_MCAST_REPROBES"), u32),
        **dict.fromkeys(
            ("NDTPA_REACHABLE_TIME", "NDTPA_BASE_REACHABLE_TIME", "NDTPA_RETRANS_TIME",
             "NDTPA_GC_STALETIME", "NDTPA_DELAY_PROBE_TIME", "NDTPA_ANYCAST_DELAY",
             "NDTPA_PROXY_DELAY", "NDTPA_LOCKTIME", "NDTPA_INTERVAL_PROBE_TIME_MS"), u64),
    },
)  # fmt: skip
_TABLE_CONFIG = layout(2, "ndtc_key_len", "ndtc_entry_size")
_TABLE_REST = layout(4, "ndtc_entries", "ndtc_last_flush", "ndtc_last_rand", "ndtc_hash_rnd")


def _table_config(view: View, data: bytes) -> Value | None:
    if len(data) < 32:
        return None
    first, rest = _TABLE_CONFIG(view, data[:4]), _TABLE_REST(view, data[4:20])
    if not isinstance(first, Struct) or not isinstance(rest, Struct):
        return None
    return Struct(
        (
            *first.fields,
            *rest.fields,
            ("ndtc_hash_mask", Hex(number(data, 20, 4), 8)),
            ("ndtc_hash_chain_gc", Int(number(data, 24, 4))),
            ("ndtc_proxy_qlen", Int(number(data, 28, 4))),
        )
    )


_NEIGHBOUR_TABLE: Final = Attributes(
    "rtnl_neightbl_attrs", "NDTA_???",
    {
        "NDTA_NAME": string, "NDTA_THRESH1": u32, "NDTA_THRESH2": u32, "NDTA_THRESH3": u32,
        "NDTA_CONFIG": _table_config, "NDTA_PARMS": nested(_PARAMETERS), "NDTA_GC_INTERVAL": u64,
        "NDTA_STATS": layout(
            8, "ndts_allocs", "ndts_destroys", "ndts_hash_grows", "ndts_res_failed", "ndts_lookups",
            "ndts_hits", "ndts_rcv_probes_mcast", "ndts_rcv_probes_ucast", "ndts_periodic_gc_runs",
            "ndts_forced_gc_runs", "ndts_table_fulls"),
    },
)  # fmt: skip
_NEIGHBOUR_TABLE_KIND: Final = Kind(4, "ndtm_family", (), lambda _family, _header: _NEIGHBOUR_TABLE)
_KINDS: Final[dict[int, Kind]] = {  # by the type of the RTM_NEW message
    16: _LINK_KIND, 20: _ADDRESS_KIND, 24: _ROUTE_KIND, 28: _NEIGHBOUR_KIND, 32: _RULE_KIND,
    36: _TC_KIND, 40: _TC_KIND, 44: _TC_KIND, 64: _NEIGHBOUR_TABLE_KIND, 80: _NETCONF_KIND,
    100: _TC_KIND,
}  # fmt: skip


def body(view: View, kind: int, _flags: int, data: bytes) -> list[Value]:
    """What stands behind the header of a message of type ``kind``."""
    family = names.choice("addrfams", data[0], "AF_???")
    found = _KINDS.get(kind & ~3)
    if found is None:
        more = (("data", hexadecimal(view, data[1:])),) if data[1:] else ()
        return [Struct((("family", family), *more))]
    if len(data) < found.size:
        return [Struct(((found.family, family),), more=True)]
    fields = [(name, show(number(data, at, size))) for name, at, size, show in found.fields]
    shown: list[Value] = [Struct(((found.family, family), *fields))]
    rest = data[found.size :]
    if rest:
        shown.append(attributes(view, rest, found.attributes(data[0], data)))
    return shown
