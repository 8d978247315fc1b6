//! Both signatures of Aliyun's, reckoned from what came over the wire. Shares nothing with whoever signs.

use base64::Engine as _;
use hmac::{KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::simulator::http::Request;

/// What `Authorization` says in `ACS3-HMAC-SHA256`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim<'r> {
    pub(super) key_id: &'r str,
    /// In the order they are signed.
    pub(super) headers: Vec<&'r str>,
    pub(super) signature: &'r str,
}

impl<'r> Claim<'r> {
    pub(super) fn read(authorization: &'r str) -> Option<Self> {
        let mut parts = authorization.strip_prefix("ACS3-HMAC-SHA256 ")?.split(',');
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
        Some(Self {
            key_id: part("Credential")?,
            headers: part("SignedHeaders")?.split(';').collect(),
            signature: part("Signature")?,
        })
    }

    /// Whether all is signed that must be, in the right order.
    pub(super) fn is_whole(&self, request: &Request) -> bool {
        let must = |name: &str| name == "host" || name == "content-type" || name.starts_with("x-acs-");
        self.headers.is_sorted()
            && self.headers.iter().all(|name| request.header(name).is_some())
            && request
                .headers
                .iter()
                .map(|(name, _)| name.to_ascii_lowercase())
                .filter(|name| must(name))
                .all(|name| self.headers.contains(&name.as_str()))
    }
}

/// Of version 3: the text that is signed, and its signature.
pub(super) fn v3(request: &Request, headers: &[&str], secret: &str) -> (String, String) {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let canonical_headers: String = headers
        .iter()
        .map(|name| format!("{name}:{}\n", request.header(name).unwrap_or_default().trim()))
        .collect();
    let canonical = format!(
        "{}\n{}\n{}\n{canonical_headers}\n{}\n{}",
        request.method,
        request.path,
        canonical_query(&parameters(query.as_bytes())),
        headers.join(";"),
        hash(&request.body),
    );
    let text = format!("ACS3-HMAC-SHA256\n{}", hash(canonical.as_bytes()));
    let signature = hmac::Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mac| hex(&mac.chain_update(&text).finalize().into_bytes()))
        .unwrap_or_default();
    (text, signature)
}

/// Of the old RPC style, over every parameter but the signature itself.
pub(super) fn rpc(method: &str, parameters: &[(String, String)], secret: &str) -> (String, String) {
    let signed: Vec<_> = parameters.iter().filter(|(name, _)| name != "Signature").cloned().collect();
    let text = format!("{method}&%2F&{}", encode(&canonical_query(&signed)));
    let signature = hmac::Hmac::<sha1::Sha1>::new_from_slice(format!("{secret}&").as_bytes())
        .map(|mac| mac.chain_update(&text).finalize().into_bytes())
        .map(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes))
        .unwrap_or_default();
    (text, signature)
}

/// Of a query or a form.
pub(super) fn parameters(encoded: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(encoded).into_owned().collect()
}

pub(super) fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn canonical_query(parameters: &[(String, String)]) -> String {
    let mut sorted: Vec<_> = parameters.iter().collect();
    sorted.sort();
    let pair = |(name, value): &(String, String)| format!("{}={}", encode(name), encode(value));
    sorted.into_iter().map(pair).collect::<Vec<_>>().join("&")
}

/// RFC 3986: nothing but letters, digits and `-_.~` stays as it is.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_example_of_version_3() {
        let target = "/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai";
        let headers = [
            ("Host", "ecs.cn-shanghai.aliyuncs.com"),
            ("x-acs-action", "RunInstances"),
            ("x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("x-acs-date", "2023-10-26T10:22:32Z"),
            ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
            ("x-acs-version", "2014-05-26"),
        ];
        let authorization = "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,\
            SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,\
            Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0";
        let request = Request {
            method: "POST".to_owned(),
            target: target.to_owned(),
            path: "/".to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            ..Request::default()
        };
        let claim = Claim::read(authorization).unwrap();
        assert!(claim.is_whole(&request));
        let (text, signature) = v3(&request, &claim.headers, "YourAccessKeySecret");
        assert_eq!(
            text,
            "ACS3-HMAC-SHA256\n7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
        );
        assert_eq!((claim.key_id, claim.signature), ("YourAccessKeyId", signature.as_str()));
        let unsigned = Claim { headers: claim.headers[..5].to_vec(), ..claim.clone() };
        assert!(!unsigned.is_whole(&request), "the version is not signed");
        let unsorted = Claim { headers: claim.headers.iter().rev().copied().collect(), ..claim };
        assert!(!unsorted.is_whole(&request));
        assert_eq!(Claim::read("ACS3-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y"), None);
    }

    #[test]
    fn the_vendors_example_of_the_old_style_and_its_post() {
        let parameters = parameters(
            "AccessKeyId=testId&Timestamp=2017-07-12T02:42:19Z&Format=XML&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0\
             &SignatureNonce=45e25e9b-0a6f-4070-8c85-2956eda1b466&Action=SendSms&Version=2017-05-25\
             &RegionId=cn-hangzhou&PhoneNumbers=15300000001&SignName=阿里云短信测试专用\
             &TemplateParam={\"customer\":\"test\"}&TemplateCode=SMS_71390007&OutId=123&Signature=of+no+account"
                .as_bytes(),
        );
        for (method, expected) in
            [("GET", "zJDF+Lrzhj/ThnlvIToysFRq6t4="), ("POST", "Xvhv7fPXrPkLVSnlt0jIr08o8NQ=")]
        {
            assert_eq!(rpc(method, &parameters, "testSecret").1, expected);
        }
    }

    #[test]
    fn what_is_encoded_is_what_the_vendor_encodes() {
        assert_eq!(encode("a b*~+/钟"), "a%20b%2A~%2B%2F%E9%92%9F");
    }
}
