//! Whose request it is: the peer's address, or, where the peer is a proxy of ours, the address it says.
//!
//! Anybody can send `Forwarded` (RFC 7239) and `X-Forwarded-For`; each proxy adds at the end what it sees. So the list is
//! read from the right, for as long as the one who said it is trusted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::web::Data;
use ipnet::IpNet;

use super::server::State;

/// The networks whose word counts.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl From<Vec<IpNet>> for TrustedProxies {
    fn from(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }
}

/// The address a request comes from; a proxy's own where that is all that is sure.
pub fn address(request: &HttpRequest) -> IpAddr {
    told(request).0
}

/// The same for who is let in by their address: [`UNSPECIFIED`](Ipv4Addr::UNSPECIFIED), which no network but the whole has,
/// where a proxy of ours does not say for sure whom it speaks for.
pub fn proved(request: &HttpRequest) -> IpAddr {
    match told(request) {
        (address, true) => address,
        (_, false) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    }
}

fn told(request: &HttpRequest) -> (IpAddr, bool) {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let state = request.app_data::<Data<State>>();
    state.map_or((peer, true), |state| state.trusted_proxies.client(peer, request.headers()))
}

impl TrustedProxies {
    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The nearest address that is not one of ours; where all are, the farthest. And whether it is sure.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> (IpAddr, bool) {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return (peer, true);
        }
        let forwarded = self.said(peer, headers.get_all(header::FORWARDED), forwarded);
        let x_forwarded = self.said(peer, headers.get_all(header::X_FORWARDED_FOR), x_forwarded_for);
        match (forwarded, x_forwarded) {
            // A proxy writes one of the two and hands on the other as it came, from whoever wanted to be somebody else.
            (Some((one, _)), Some((other, _))) if one != other => (peer, false),
            (one, other) => one.or(other).unwrap_or((peer, true)),
        }
    }

    /// What one kind of header says; `None` where it is not there.
    fn said<'h>(
        &self,
        peer: IpAddr,
        lines: impl Iterator<Item = &'h HeaderValue>,
        read: fn(&str) -> Vec<Option<IpAddr>>,
    ) -> Option<(IpAddr, bool)> {
        let mut lines = lines.peekable();
        lines.peek()?;
        let addresses: Vec<_> =
            lines.flat_map(|line| read(&String::from_utf8_lossy(line.as_bytes()))).collect();
        let mut nearest = peer;
        for address in addresses.into_iter().rev() {
            // What cannot be read ends the walk: left of it stands the word of somebody unknown.
            let Some(address) = address else { return Some((nearest, false)) };
            nearest = address;
            if !self.trusts(address) {
                break;
            }
        }
        Some((nearest, true))
    }
}

fn x_forwarded_for(line: &str) -> Vec<Option<IpAddr>> {
    line.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(node).collect()
}

/// `for=192.0.2.43, For="[2001:db8:cafe::17]:4711";proto=https` (RFC 7239 §4). A line with a quotation mark that never
/// ends counts as one entry that cannot be read.
fn forwarded(line: &str) -> Vec<Option<IpAddr>> {
    let Some(elements) = split(line, ',') else { return vec![None] };
    elements.into_iter().filter(|element| !element.is_empty()).map(element).collect()
}

fn element(text: &str) -> Option<IpAddr> {
    let mut found = split(text, ';')?.into_iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    });
    let value = found.next()?;
    if found.next().is_some() {
        return None;
    }
    match value.strip_prefix('"') {
        // Nothing in an address needs the backslash that quoted texts allow.
        Some(rest) => node(rest.strip_suffix('"')?),
        None => node(value),
    }
}

/// The trimmed parts between separators that are not quoted.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut from) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == separator && !quoted => {
                parts.push(text[from..at].trim());
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    (!quoted).then_some(parts)
}

/// An address, IPv6 in brackets or not, perhaps with a port. What a proxy hides (`unknown`, `_name`) is none.
fn node(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        return (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
            .then(|| IpAddr::V6(address).to_canonical());
    }
    if let Some((address, port)) = text.split_once(':').filter(|(_, port)| !port.contains(':')) {
        return is_port(port).then(|| address.parse().map(IpAddr::V4).ok())?;
    }
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Digits, or a name that hides them (RFC 7239 §6.3).
fn is_port(text: &str) -> bool {
    let hidden = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    text.parse::<u16>().is_ok() || text.strip_prefix('_').is_some_and(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn proxies() -> TrustedProxies {
        let networks = ["10.0.0.0/8", "fd00::/8"];
        TrustedProxies(networks.iter().map(|network| network.parse().unwrap()).collect())
    }

    fn client(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append((*name).parse().unwrap(), HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        proxies().client(peer.parse().unwrap(), &headers).0.to_string()
    }

    fn behind(lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        client(PROXY, &lines)
    }

    fn forwarded_by(lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
        client(PROXY, &lines)
    }

    #[test]
    fn who_is_not_trusted_speaks_for_nobody() {
        let spoofed = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")];
        assert_eq!(client("198.51.100.7", &spoofed), "198.51.100.7");
        assert_eq!(client("::ffff:198.51.100.7", &spoofed), "198.51.100.7");
        let mut headers = HeaderMap::new();
        headers.append(header::X_FORWARDED_FOR, HeaderValue::from_static("203.0.113.9"));
        let nobody = TrustedProxies::default();
        assert_eq!(nobody.client(PROXY.parse().unwrap(), &headers).0.to_string(), PROXY);
    }

    #[test]
    fn the_right_most_address_that_is_not_ours_counts() {
        assert_eq!(behind(&["203.0.113.9"]), "203.0.113.9");
        assert_eq!(behind(&["1.1.1.1, 203.0.113.9"]), "203.0.113.9", "what the client wrote itself");
        assert_eq!(behind(&["1.1.1.1, 203.0.113.9, 10.9.9.9"]), "203.0.113.9", "two proxies in a row");
        assert_eq!(behind(&["1.1.1.1", "203.0.113.9, 10.9.9.9"]), "203.0.113.9", "one list over two lines");
        assert_eq!(behind(&["203.0.113.9", "10.9.9.9"]), "203.0.113.9");
        assert_eq!(client("::ffff:10.0.0.1", &[("x-forwarded-for", "203.0.113.9")]), "203.0.113.9");
        assert_eq!(client("fd00::1", &[("x-forwarded-for", "203.0.113.9")]), "203.0.113.9");
    }

    #[test]
    fn where_all_are_ours_the_farthest_counts() {
        assert_eq!(behind(&["10.1.1.1, 10.2.2.2", "10.3.3.3"]), "10.1.1.1");
        assert_eq!(client(PROXY, &[]), PROXY);
        assert_eq!(behind(&["", " , "]), PROXY);
    }

    #[test]
    fn addresses_come_in_every_dress() {
        for (text, address) in [
            ("203.0.113.9:4711", "203.0.113.9"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
        ] {
            assert_eq!(behind(&[text]), address, "{text}");
            assert_eq!(forwarded_by(&[&format!("for=\"{text}\"")]), address, "{text}");
        }
        assert_eq!(forwarded_by(&["For=203.0.113.9;proto=https;by=10.0.0.1"]), "203.0.113.9");
        assert_eq!(forwarded_by(&["for=1.1.1.1, for=\"203.0.113.9:_x1\";host=\"a,b;c\""]), "203.0.113.9");
        assert_eq!(
            forwarded_by(&["for=1.1.1.1", "proto=http;FOR=203.0.113.9", "for=10.3.3.3"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn what_cannot_be_read_lets_nobody_speak_for_another() {
        for unreadable in
            ["unknown", "_hidden", "203.0.113", "203.0.113.9:http", "[::1", "[::1]x", "bücher", "a b"]
        {
            assert_eq!(behind(&[&format!("1.1.1.1, {unreadable}")]), PROXY, "{unreadable}");
            assert_eq!(behind(&[&format!("1.1.1.1, {unreadable}, 10.9.9.9")]), "10.9.9.9", "{unreadable}");
            assert_eq!(behind(&[&format!("{unreadable}, 203.0.113.9")]), "203.0.113.9", "{unreadable}");
        }
        for unreadable in [
            "for=unknown",
            "proto=https",
            "for",
            "for=",
            "for=\"1.1.1.1",
            "for=1.1.1.1;for=2.2.2.2",
            "for=\"1.1.1.1\"x",
        ] {
            assert_eq!(forwarded_by(&["for=1.1.1.1", unreadable]), PROXY, "{unreadable}");
            assert_eq!(forwarded_by(&[unreadable, "for=203.0.113.9"]), "203.0.113.9", "{unreadable}");
        }
        // A client's open quotation mark swallows what its proxy adds, and gains nothing by it.
        assert_eq!(forwarded_by(&["for=1.1.1.1;x=\", for=203.0.113.9"]), PROXY);
        assert_eq!(forwarded_by(&["for=1.1.1.1, x=\", for=\"[2001:db8::7]:80\""]), PROXY);
    }

    #[test]
    fn of_two_headers_that_differ_neither_counts() {
        let both =
            |forwarded: &str| client(PROXY, &[("forwarded", forwarded), ("x-forwarded-for", "203.0.113.9")]);
        assert_eq!(both("for=203.0.113.9"), "203.0.113.9");
        assert_eq!(both("for=1.1.1.1"), PROXY, "the client sent the one that its proxy does not write");
        assert_eq!(both("for=unknown"), PROXY);
        let sure = |forwarded: &str| {
            let name = header::HeaderName::from_static("x-forwarded-for");
            let lines = [(header::FORWARDED, forwarded), (name, "203.0.113.9")];
            let lines = lines.into_iter().map(|(name, said)| (name, HeaderValue::from_str(said).unwrap()));
            proxies().client(PROXY.parse().unwrap(), &lines.collect()).1
        };
        assert!(sure("for=203.0.113.9"));
        assert!(!sure("for=1.1.1.1"), "nobody is let in as their proxy");
        assert!(!sure("for=unknown"));
    }
}
