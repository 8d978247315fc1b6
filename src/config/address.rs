//! Which addresses may be called on somebody else's word (webhooks, callbacks).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The answer to "may a URL given by a source or subscriber point into our own networks?"
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowPrivate {
    Nowhere,
    Everywhere,
    /// Only into these ranges.
    Ranges(Vec<IpNet>),
}

impl AllowPrivate {
    /// Whether `address` may be called: it is public, or covered.
    pub fn permits(&self, address: IpAddr) -> bool {
        is_public(unwrapped(address)) || self.covers(address)
    }

    /// Whether `address` is not public and may be called nevertheless. Whatever is allowed, [nobody's](is_nobodys) may not.
    pub fn covers(&self, address: IpAddr) -> bool {
        let address = unwrapped(address);
        if is_public(address) || is_nobodys(address) {
            return false;
        }
        match self {
            Self::Nowhere => false,
            Self::Everywhere => true,
            Self::Ranges(ranges) => ranges.iter().any(|range| range.contains(&address)),
        }
    }
}

impl fmt::Display for AllowPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("false"),
            Self::Everywhere => f.write_str("true"),
            Self::Ranges(ranges) => {
                let texts: Vec<_> = ranges.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(","))
            }
        }
    }
}

/// An IPv4 address in IPv6 clothes (mapped, or behind a NAT64 gateway, RFC 6052) counts as what it leads to.
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return v4.into();
    }
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4_of(high, low),
        _ => address,
    }
}

/// As [`unwrapped`], and in the clothes that leave an address as closed as it is: 6to4, a NAT64 gateway's own prefix (RFC 8215)
/// of 96 bits, and IPv4-compatible ones.
fn undressed(address: IpAddr) -> IpAddr {
    let address = unwrapped(address);
    let IpAddr::V6(v6) = address else { return address };
    if v6.is_loopback() {
        return address;
    }
    match v6.segments() {
        [0x2002, high, low, ..] | [0x64, 0xff9b, 1, _, _, _, high, low] | [0, 0, 0, 0, 0, 0, high, low] => {
            v4_of(high, low)
        }
        _ => address,
    }
}

fn v4_of(high: u16, low: u16) -> IpAddr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into()
}

/// Where clouds tell a machine its own credentials, beside what is link-local: Alibaba Cloud, AWS (also of pods), Google Cloud.
const METADATA_V4: [Ipv4Addr; 1] = [Ipv4Addr::new(100, 100, 100, 200)];
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// Whether neither a provider nor a subscriber can stand at `address`: link-local ones, at which clouds' metadata services
/// answer, these services elsewhere, and what is no single host's: unspecified, multicast, broadcast.
pub fn is_nobodys(address: IpAddr) -> bool {
    match undressed(address) {
        IpAddr::V4(v4) => {
            v4.octets()[0] == 0
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || METADATA_V4.contains(&v4)
        }
        IpAddr::V6(v6) => {
            v6.is_unspecified()
                || v6.is_unicast_link_local()
                || v6.is_multicast()
                || METADATA_V6.contains(&v6)
        }
    }
}

/// Globally reachable by the IANA special-purpose registries (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a == 127
        || a >= 224
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)))
}

/// Global unicast is `2000::/3`; documentation and tunnels that can lead anywhere are taken out of it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    first & 0xe000 == 0x2000
        && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
        && first != 0x2002
        && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_ranges_are_closed_unless_allowed() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2002:808:808::",
            "64:ff9b:1::808:808",
            "::8.8.8.8",
            "2001:db8::1",
        ];
        for address in private {
            let address = address.parse().unwrap();
            assert!(!AllowPrivate::Nowhere.permits(address), "{address}");
            assert_eq!(AllowPrivate::Everywhere.permits(address), !is_nobodys(address), "{address}");
        }
        for address in ["8.8.8.8", "202.112.0.35", "2001:da8::1", "2606:4700::1111", "172.32.0.1"] {
            assert!(AllowPrivate::Nowhere.permits(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn what_is_nobodys_is_opened_by_nothing() {
        let all = AllowPrivate::Ranges(vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
        for nobodys in [
            "169.254.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "239.255.255.250",
            "255.255.255.255",
            "::",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "64:ff9b:1:7::6464:64c8",
            "2002:a9fe:a9fe::",
            "2002:a9fe:a9fe::1",
            "::169.254.169.254",
        ] {
            let address = nobodys.parse().unwrap();
            assert!(is_nobodys(address), "{nobodys}");
            assert!(!AllowPrivate::Everywhere.permits(address) && !all.permits(address), "{nobodys}");
        }
        for inside in [
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "fd00::1",
            "2002:a01:203::",
            "64:ff9b:1::a01:203",
            "::10.1.2.3",
        ] {
            let address = inside.parse().unwrap();
            assert!(!is_nobodys(address), "{inside}");
            assert!(AllowPrivate::Everywhere.permits(address) && all.permits(address), "{inside}");
        }
        assert!(!is_nobodys("202.112.0.35".parse().unwrap()));
    }

    #[test]
    fn ranges_open_only_themselves() {
        let allow = AllowPrivate::Ranges(vec!["10.20.0.0/16".parse().unwrap()]);
        assert!(allow.permits("10.20.3.4".parse().unwrap()));
        assert!(allow.permits("::ffff:10.20.3.4".parse().unwrap()));
        assert!(!allow.permits("10.21.0.1".parse().unwrap()));
        assert!(allow.permits("8.8.8.8".parse().unwrap()));
        assert!(allow.covers("10.20.3.4".parse().unwrap()));
        assert!(!allow.covers("8.8.8.8".parse().unwrap()), "that is open to all");
        assert!(!AllowPrivate::Everywhere.covers("8.8.8.8".parse().unwrap()));
    }
}
