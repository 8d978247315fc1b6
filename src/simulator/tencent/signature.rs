//! TC3-HMAC-SHA256, reckoned from what came over the wire. Shares nothing with whoever signs.

use hmac::{KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::simulator::http::Request;

/// What `Authorization` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim<'r> {
    pub(super) key_id: &'r str,
    /// `2019-02-25`
    pub(super) date: &'r str,
    pub(super) service: &'r str,
    /// In the order they are signed.
    pub(super) headers: Vec<&'r str>,
    pub(super) signature: &'r str,
}

impl<'r> Claim<'r> {
    pub(super) fn read(authorization: &'r str) -> Option<Self> {
        let mut parts = authorization.strip_prefix("TC3-HMAC-SHA256 ")?.split(',');
        let mut part = |name: &str| parts.next()?.trim_start().strip_prefix(name)?.strip_prefix('=');
        let mut credential = part("Credential")?.split('/');
        let (key_id, date, service) = (credential.next()?, credential.next()?, credential.next()?);
        if credential.next() != Some("tc3_request") || credential.next().is_some() {
            return None;
        }
        let headers: Vec<_> = part("SignedHeaders")?.split(';').collect();
        Some(Self { key_id, date, service, headers, signature: part("Signature")? })
    }

    /// Whether all is signed that must be, in the right order.
    pub(super) fn is_whole(&self, request: &Request) -> bool {
        self.headers.is_sorted()
            && ["content-type", "host"].iter().all(|name| self.headers.contains(name))
            && self.headers.iter().all(|name| request.header(name).is_some())
    }
}

/// `seconds`: as the caller's header has them. With it the hash of what is signed, for whoever looks for a difference.
pub(super) fn sign(request: &Request, claim: &Claim<'_>, seconds: &str, secret: &str) -> (String, String) {
    let headers: String = claim
        .headers
        .iter()
        .map(|name| {
            format!("{name}:{}\n", request.header(name).unwrap_or_default().trim().to_ascii_lowercase())
        })
        .collect();
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let canonical = format!(
        "{}\n/\n{query}\n{headers}\n{}\n{}",
        request.method,
        claim.headers.join(";"),
        hex(&Sha256::digest(&request.body)),
    );
    let canonical = hex(&Sha256::digest(canonical));
    let Claim { date, service, .. } = claim;
    let text = format!("TC3-HMAC-SHA256\n{seconds}\n{date}/{service}/tc3_request\n{canonical}");
    (canonical, hex(&hmac(&signing_key(secret, date, service), &text)))
}

fn signing_key(secret: &str, date: &str, service: &str) -> Vec<u8> {
    let of_date = hmac(format!("TC3{secret}").as_bytes(), date);
    hmac(&hmac(&of_date, service), "tc3_request")
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        let headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("Host", "cvm.tencentcloudapi.com"),
            ("X-TC-Action", "DescribeInstances"),
        ];
        Request {
            method: "POST".to_owned(),
            target: "/".to_owned(),
            path: "/".to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body:
                br#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#
                    .to_vec(),
            ..Request::default()
        }
    }

    fn authorization(headers: &str) -> String {
        format!(
            "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2019-02-25/cvm/tc3_request, SignedHeaders={headers}, Signature=x"
        )
    }

    #[test]
    fn both_examples_of_the_vendor() {
        for (headers, secret, hash, signature) in [
            (
                "content-type;host",
                "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
                "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031",
                "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
            ),
            (
                "content-type;host;x-tc-action",
                "********************************",
                "7019a55be8395899b900fb5564e4200d984910f34794a27cb3fb7d10ff6a1e84",
                "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f",
            ),
        ] {
            let (request, authorization) = (request(), authorization(headers));
            let claim = Claim::read(&authorization).unwrap();
            assert!(claim.is_whole(&request));
            let (canonical, signed) = sign(&request, &claim, "1551113065", secret);
            assert_eq!((canonical.as_str(), signed.as_str()), (hash, signature));
        }
        assert_eq!(
            hex(&signing_key("********************************", "2019-02-25", "cvm")),
            "b596b923aad85185e2d1f6659d2a062e0a86731226e021e61bfe06f7ed05f5af"
        );
    }

    #[test]
    fn what_is_left_out_or_out_of_order_is_seen() {
        for headers in ["host", "content-type", "host;content-type", "content-type;host;x-other"] {
            let authorization = authorization(headers);
            assert!(!Claim::read(&authorization).unwrap().is_whole(&request()), "{headers}");
        }
        assert_eq!(Claim::read("TC3-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=x"), None);
        assert_eq!(Claim::read("ACS3-HMAC-SHA256 Credential=a"), None);
    }
}
