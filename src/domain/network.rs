//! Networks that calls may come from.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

/// Who is behind an address, as far as it tells: whoever has one IPv6 address has the 2⁶⁴ of its network.
pub fn behind(remote: IpAddr) -> IpAddr {
    match remote.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// `10.1.0.0/16`, `2001:da8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// An IPv4 address that came as IPv6 counts as what it is.
    pub fn has(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let one = || text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        let network = text.parse::<IpNet>().or_else(|_| one()).map(unmapped).map_err(|_| {
            format!("`{text}` is no network; write it as 10.1.0.0/16, 2001:da8::/32 or 10.1.2.3")
        })?;
        // Bits beyond the prefix say nothing.
        Ok(Self(network.trunc()))
    }
}

/// IPv4 networks in IPv6 clothes (`::ffff:10.1.0.0/112`, RFC 4291 §2.5.5.2) as what they are.
fn unmapped(network: IpNet) -> IpNet {
    match (network.addr().to_canonical(), network.prefix_len()) {
        (IpAddr::V4(address), bits @ 96..) if network.addr().is_ipv6() => {
            Ipv4Net::new(address, bits - 96).map_or(network, IpNet::from)
        }
        _ => network,
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

impl Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().has(address.parse().unwrap())
    }

    #[test]
    fn whoever_has_an_address_has_its_network() {
        let of = |text: &str| behind(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn a_network_has_what_begins_like_it() {
        assert!(has("10.1.0.0/16", "10.1.255.4") && !has("10.1.0.0/16", "10.2.0.1"));
        assert!(has("2001:da8::/32", "2001:da8:1::9") && !has("2001:da8::/32", "2001:da9::9"));
        assert!(has("10.1.2.3", "::ffff:10.1.2.3"), "the same address, as a socket for both tells it");
        assert!(!has("0.0.0.0/0", "::1"), "every IPv4 address is no IPv6 address");
    }

    #[test]
    fn it_is_written_in_one_way() {
        for (given, written) in [
            (" 10.1.2.3/16 ", "10.1.0.0/16"),
            ("10.1.2.3", "10.1.2.3"),
            ("2001:DA8:0::/32", "2001:da8::/32"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("::ffff:10.1.2.3/112", "10.1.0.0/16"),
            ("::ffff:0.0.0.0/96", "0.0.0.0/0"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(given.parse::<Network>().unwrap().to_string(), written);
        }
        for wrong in ["", "10.1.0.0/33", "10.1", "campus", "10.1.0.0-10.1.0.9"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
