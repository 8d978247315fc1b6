//! ACS3-HMAC-SHA256, version 3 of Alibaba Cloud's request signature
//! (<https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature>).

use crate::channel::sms::encode::{hex, hmac_sha256, percent, sha256_hex};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// A POST without a body, its parameters in the query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'c> {
    /// With the port, where the `Host` header has it.
    pub(super) host: &'c str,
    pub(super) path: &'c str,
    /// As [`query`] writes it.
    pub(super) query: &'c str,
    pub(super) action: &'c str,
    pub(super) version: &'c str,
    /// `2026-09-21T14:13:20Z`.
    pub(super) date: &'c str,
    pub(super) nonce: &'c str,
    /// Of temporary credentials.
    pub(super) token: Option<&'c str>,
}

/// Parameters sorted by name and escaped.
pub(super) fn query(fields: &[(&str, &str)]) -> String {
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", percent(name.as_bytes()), percent(value.as_bytes())));
    pairs.collect::<Vec<_>>().join("&")
}

impl Call<'_> {
    /// What is signed beside `host`, and to be sent as it stands here; sorted by name.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("x-acs-action", self.action.to_owned()),
            ("x-acs-content-sha256", sha256_hex(b"")),
            ("x-acs-date", self.date.to_owned()),
        ];
        // Between `date` and `signature-nonce`, as the alphabet has it.
        headers.extend(self.token.map(|token| ("x-acs-security-token", token.trim().to_owned())));
        headers.push(("x-acs-signature-nonce", self.nonce.to_owned()));
        headers.push(("x-acs-version", self.version.to_owned()));
        headers
    }

    /// The header `Authorization`.
    pub(super) fn authorization(&self, key_id: &str, secret: &str) -> String {
        let (names, canonical) = self.canonical();
        let signed = format!("{ALGORITHM}\n{}", sha256_hex(canonical.as_bytes()));
        let signature = hex(&hmac_sha256(secret.as_bytes(), signed.as_bytes()));
        format!("{ALGORITHM} Credential={key_id},SignedHeaders={names},Signature={signature}")
    }

    /// The names of the signed headers, and the canonical request.
    fn canonical(&self) -> (String, String) {
        let headers = std::iter::once(("host", self.host.to_owned())).chain(self.headers());
        let (mut names, mut block) = (Vec::new(), String::new());
        for (name, value) in headers {
            names.push(name);
            block.push_str(&format!("{name}:{value}\n"));
        }
        let names = names.join(";");
        let canonical = ["POST", self.path, self.query, &block, &names, &sha256_hex(b"")].join("\n");
        (names, canonical)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IMAGE: &str = "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd";

    fn published(query: &str) -> Call<'_> {
        Call {
            host: "ecs.cn-shanghai.aliyuncs.com",
            path: "/",
            query,
            action: "RunInstances",
            version: "2014-05-26",
            date: "2023-10-26T10:22:32Z",
            nonce: "3156853299f313e23d1673dc12e1703d",
            token: None,
        }
    }

    /// The example of the vendor's own page.
    #[test]
    fn the_published_example_comes_out_the_same() {
        let query = query(&[("RegionId", "cn-shanghai"), ("ImageId", IMAGE)]);
        let call = published(&query);
        assert_eq!(
            sha256_hex(call.canonical().1.as_bytes()),
            "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
        );
        assert_eq!(
            call.authorization("YourAccessKeyId", "YourAccessKeySecret"),
            "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;\
             x-acs-date;x-acs-signature-nonce;x-acs-version,\
             Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
        );
    }

    #[test]
    fn the_token_of_temporary_credentials_is_signed() {
        let call = Call { token: Some(" t "), ..published("") };
        let (names, canonical) = call.canonical();
        assert!(names.contains(";x-acs-security-token;"), "{names}");
        assert!(canonical.contains("\nx-acs-security-token:t\n"), "{canonical}");
    }

    proptest! {
        #[test]
        fn a_query_says_the_same_in_whatever_order_and_escapes_what_divides(
            fields in proptest::collection::btree_map("[A-Za-z]{1,8}", "\\PC{0,20}", 1..6),
            turn in 0_usize..6,
        ) {
            let mut pairs: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let written = query(&pairs);
            let turn = turn % pairs.len();
            pairs.rotate_left(turn);
            prop_assert_eq!(&query(&pairs), &written);
            prop_assert!(written.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%=&".contains(&b)));
            let read: Vec<_> = url::form_urlencoded::parse(written.as_bytes()).into_owned().collect();
            let expected: Vec<_> = fields.clone().into_iter().collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn headers_are_sorted_and_each_has_one_line(token in proptest::option::of("[a-zA-Z0-9+/=]{1,40}"), nonce in "[0-9a-f]{32}") {
            let call = Call { token: token.as_deref(), nonce: &nonce, ..published("") };
            let (names, canonical) = call.canonical();
            let names: Vec<_> = names.split(';').collect();
            prop_assert!(names.is_sorted());
            let lines: Vec<_> = canonical.split('\n').collect();
            // Method, path, query; an empty line after the headers; their names, and the body's hash.
            prop_assert_eq!(lines.len(), 3 + names.len() + 3);
            for (name, line) in names.iter().zip(&lines[3..]) {
                let begin = format!("{name}:");
                prop_assert!(line.starts_with(&begin), "{}", line);
            }
            prop_assert_eq!(lines[3 + names.len()], "");
        }
    }
}
