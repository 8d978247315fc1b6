//! TC3-HMAC-SHA256, version 3 of Tencent Cloud's request signature
//! (<https://cloud.tencent.com/document/api/382/52071>).

use crate::channel::sms::encode::{hex, hmac_sha256, sha256_hex};
use crate::clock::Timestamp;

const ALGORITHM: &str = "TC3-HMAC-SHA256";
pub(super) const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// A POST to the root of a service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'c> {
    /// With the port, where the `Host` header has it.
    pub(super) host: &'c str,
    pub(super) service: &'c str,
    /// `None` leaves it unsigned, as the vendor's first example does.
    pub(super) action: Option<&'c str>,
    /// Exactly as it is sent.
    pub(super) body: &'c [u8],
    pub(super) at: Timestamp,
}

impl Call<'_> {
    /// The header `X-TC-Timestamp`.
    pub(super) fn timestamp(&self) -> String {
        self.at.millis().div_euclid(1_000).to_string()
    }

    /// The header `Authorization`.
    pub(super) fn authorization(&self, key_id: &str, key: &str) -> String {
        let (names, canonical) = self.canonical();
        let date = self.date();
        let scope = format!("{date}/{}/tc3_request", self.service);
        let hash = sha256_hex(canonical.as_bytes());
        let signed = [ALGORITHM, &self.timestamp(), &scope, &hash].join("\n");
        let signature = hex(&hmac_sha256(&self.key(key, &date), signed.as_bytes()));
        format!("{ALGORITHM} Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}")
    }

    /// In UTC, whatever the day is in China.
    fn date(&self) -> String {
        self.at.to_jiff().strftime("%Y-%m-%d").to_string()
    }

    /// The names of the signed headers, and the canonical request.
    fn canonical(&self) -> (String, String) {
        let mut headers = vec![("content-type", CONTENT_TYPE.to_owned()), ("host", self.host.to_owned())];
        headers.extend(self.action.map(|action| ("x-tc-action", action.to_ascii_lowercase())));
        let block: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let canonical = ["POST", "/", "", &block, &names, &sha256_hex(self.body)].join("\n");
        (names, canonical)
    }

    /// Good for a day and a service.
    fn key(&self, key: &str, date: &str) -> [u8; 32] {
        let of_date = hmac_sha256(format!("TC3{key}").as_bytes(), date.as_bytes());
        let of_service = hmac_sha256(&of_date, self.service.as_bytes());
        hmac_sha256(&of_service, b"tc3_request")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The escapes are bytes of the body.
    const BODY: &str =
        r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;

    fn published(action: Option<&str>) -> Call<'_> {
        Call {
            host: "cvm.tencentcloudapi.com",
            service: "cvm",
            action,
            body: BODY.as_bytes(),
            at: Timestamp(1_551_113_065_000),
        }
    }

    /// The examples of the vendor's own pages, without and with the action among the signed headers.
    #[test]
    fn the_published_examples_come_out_the_same() {
        assert_eq!(
            sha256_hex(BODY.as_bytes()),
            "35e9c5b0e3ae67532d3c9f17ead6c90222632e5b1ff7f6e89887f1398934f064"
        );
        let first = published(None);
        assert_eq!(
            sha256_hex(first.canonical().1.as_bytes()),
            "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031"
        );
        let said =
            first.authorization("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE");
        assert_eq!(
            said,
            "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, \
             SignedHeaders=content-type;host, \
             Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
        );

        let second = published(Some("DescribeInstances"));
        let key = "*".repeat(32);
        assert_eq!(
            sha256_hex(second.canonical().1.as_bytes()),
            "7019a55be8395899b900fb5564e4200d984910f34794a27cb3fb7d10ff6a1e84"
        );
        assert_eq!(
            hex(&second.key(&key, "2019-02-25")),
            "b596b923aad85185e2d1f6659d2a062e0a86731226e021e61bfe06f7ed05f5af"
        );
        assert!(second.authorization("id", &key).ends_with(
            "SignedHeaders=content-type;host;x-tc-action, \
             Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
        ));
    }

    proptest! {
        #[test]
        fn every_byte_of_the_body_and_the_day_in_utc_count(
            body in proptest::collection::vec(any::<u8>(), 1..60), place: usize, seconds in 0_i64..4_000_000_000,
        ) {
            let call = Call { body: &body, at: Timestamp(seconds * 1_000 + 999), ..published(Some("SendSms")) };
            prop_assert_eq!(call.timestamp(), seconds.to_string());
            let said = call.authorization("id", "key");
            let date = call.at.to_string()[..10].to_owned();
            let credential = format!("Credential=id/{date}/cvm/tc3_request, ");
            prop_assert!(said.contains(&credential), "{}", said);
            let mut other = body.clone();
            let place = place % other.len();
            other[place] ^= 1;
            prop_assert_ne!(Call { body: &other, ..call }.authorization("id", "key"), said);
        }
    }
}
