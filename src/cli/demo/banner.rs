//! What the demo says once it runs.

use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::cli::simulate_sign_in::SignInAddress;
use crate::cli::simulate_sms::CloudAddresses;

/// The first line of `demo --json`.
#[derive(Serialize)]
pub(super) struct Banner<'a> {
    pub(super) url: String,
    pub(super) console: String,
    /// Where the first operator is made, once; null when there is one.
    pub(super) setup_link: Option<String>,
    pub(super) live_key: &'a str,
    pub(super) test_key: &'a str,
    pub(super) simulators: Simulators,
    #[serde(skip)]
    pub(super) data: &'a Path,
    #[serde(skip)]
    pub(super) is_temporary: bool,
}

#[derive(Serialize)]
pub(super) struct Simulators {
    pub(super) smtp: Smtp,
    pub(super) wecom: Wecom,
    pub(super) wechat_official_account: Account,
    pub(super) http_sms: HttpSms,
    /// Nothing is sent to them until a provider is set up for it.
    #[serde(flatten)]
    pub(super) clouds: CloudAddresses,
    pub(super) campus_sign_in: SignInAddress,
}

#[derive(Serialize)]
pub(super) struct Smtp {
    pub(super) address: SocketAddr,
    /// Where it is steered.
    pub(super) control: Option<String>,
    /// The page that shows what it received.
    pub(super) mailbox: String,
}

#[derive(Serialize)]
pub(super) struct Wecom {
    pub(super) address: SocketAddr,
    /// Where it is steered.
    pub(super) control: String,
}

#[derive(Serialize)]
pub(super) struct Account {
    pub(super) address: SocketAddr,
    /// Where it is steered.
    pub(super) control: String,
    /// Of a provider of the kind `wechat_official_account` that sends to it.
    pub(super) settings: Value,
}

#[derive(Serialize)]
pub(super) struct HttpSms {
    pub(super) address: SocketAddr,
    /// Where it is steered.
    pub(super) control: String,
    /// The page that shows what it received.
    pub(super) mailbox: String,
}

impl Banner<'_> {
    pub(super) fn text(&self) -> String {
        let Self { url, console, setup_link, live_key, test_key, simulators, data, is_temporary } = self;
        let set_up = match setup_link {
            Some(link) => format!("{link}\n              works once: choose your name and password there"),
            None => "done; sign in at the console".to_owned(),
        };
        let kept =
            if *is_temporary { "removed at the end; --data DIR keeps it" } else { "kept for the next start" };
        let Smtp { address, control, mailbox } = &simulators.smtp;
        let control = control.as_deref().unwrap_or_default();
        let (wecom, account) = (simulators.wecom.address, simulators.wechat_official_account.address);
        let HttpSms { address: gateway, mailbox: telephones, .. } = &simulators.http_sms;
        let CloudAddresses { aliyun_sms, tencent_sms } = &simulators.clouds;
        let (aliyun, tencent) = (aliyun_sms.address, tencent_sms.address);
        let sign_in = simulators.campus_sign_in.address;
        let data = data.display();
        let live = curl(url, live_key, &[], TO_A_GROUP);
        let test = curl(url, test_key, &["Prefer: wait=5"], TO_THE_SANDBOX);
        format!(
            "listening on {url}\n\n\
             钟楼大学, a campus of 3,000 people and five systems that write to them. Nothing leaves this machine.\n\n  \
             console     {console}\n  \
             set up      {set_up}\n  \
             live key    {live_key}\n  \
             test key    {test_key}\n  \
             mail relay  smtp://{address}, simulated: bounce…@ and a few old addresses are refused\n              \
             what it received: {mailbox}\n              \
             what goes wrong with it: POST {control}, see docs/SIMULATORS.md\n  \
             SMS gateway http://{gateway}, simulated: a few numbers do not exist, a few telephones are off\n              \
             what it received: {telephones}\n  \
             WeCom       http://{wecom}, simulated: a few members have left\n  \
             WeChat      http://{account}, an Official Account, simulated; `demo --json` has its provider's settings\n  \
             SMS clouds  http://{aliyun} as Aliyun and http://{tencent} as Tencent, simulated; demo --json has settings for them\n  \
             sign-in     http://{sign_in}, the university's own, simulated; link somebody's WeCom: {url}/bind/wecom\n  \
             data        {data}\n              {kept}\n  \
             commands    BELLTOWER_DATA={data} belltower source list\n              any command reaches this campus so; without it, ./data\n\n\
             A message to the student union, 60 people:\n\n{live}\n\n\
             With the test key nothing goes further than the sandbox. The answer comes when all is handed over: one sent, one failed;\n\
             the receipt follows, and GET …/messages/ID then counts one delivered:\n\n{test}\n\n\
             Enter starts a fire drill: everyone on three channels, in the sandbox, and nobody is written to.\n\
             Ctrl-C stops the demo."
        )
    }
}

const TO_A_GROUP: &str = r#"{"topic":"academic.news","title":"你好，钟楼","body":"第一条消息，**来自命令行**。","audience":{"groups":["student-union"]}}"#;
const TO_THE_SANDBOX: &str = r#"{"topic":"academic.news","title":"联调","body":"一封成功，一封退信。","to":[{"email":"anyone@sandbox.invalid"},{"email":"bounce@sandbox.invalid"}]}"#;

fn curl(url: &str, key: &str, headers: &[&str], body: &str) -> String {
    let mut text = format!("  curl -sS {url}/api/v1/messages \\\n    -H 'Authorization: Bearer {key}' \\\n");
    for header in ["Content-Type: application/json"].iter().chain(headers) {
        text.push_str("    -H '");
        text.push_str(header);
        text.push_str("' \\\n");
    }
    text.push_str("    -d '");
    text.push_str(body);
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::simulate_sms::Cloud;

    #[test]
    fn examples_survive_the_shell() {
        for body in [TO_A_GROUP, TO_THE_SANDBOX] {
            assert!(!body.contains('\''));
            serde_json::from_str::<Value>(body).unwrap();
        }
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn control(port: u16) -> String {
        format!("http://{}/control", address(port))
    }

    fn cloud(port: u16) -> Cloud {
        Cloud { address: address(port), control: control(port), settings: Value::Null }
    }

    #[test]
    fn the_document_has_what_scripts_look_for() {
        let banner = Banner {
            url: "http://127.0.0.1:8080".into(),
            console: "http://127.0.0.1:8080/console".into(),
            setup_link: None,
            live_key: "bt_live_x",
            test_key: "bt_test_x",
            simulators: Simulators {
                smtp: Smtp { address: address(2_525), control: Some(control(2_531)), mailbox: String::new() },
                wecom: Wecom { address: address(2_526), control: control(2_526) },
                wechat_official_account: Account {
                    address: address(2_530),
                    control: control(2_530),
                    settings: Value::Null,
                },
                http_sms: HttpSms {
                    address: address(2_527),
                    control: control(2_527),
                    mailbox: String::new(),
                },
                clouds: CloudAddresses { aliyun_sms: cloud(2_528), tencent_sms: cloud(2_529) },
                campus_sign_in: SignInAddress {
                    address: address(2_532),
                    control: control(2_532),
                    cas: Value::Null,
                    oidc: Value::Null,
                },
            },
            data: Path::new("/secret/place"),
            is_temporary: false,
        };
        let document = serde_json::to_value(&banner).unwrap();
        let mut names: Vec<_> = document.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["console", "live_key", "setup_link", "simulators", "test_key", "url"]);
        assert_eq!(document["simulators"]["smtp"]["address"], "127.0.0.1:2525");
        assert_eq!(document["simulators"]["wecom"]["address"], "127.0.0.1:2526");
        assert_eq!(document["simulators"]["http_sms"]["address"], "127.0.0.1:2527");
        assert_eq!(document["simulators"]["aliyun_sms"]["address"], "127.0.0.1:2528");
        assert_eq!(document["simulators"]["tencent_sms"]["address"], "127.0.0.1:2529");
        assert_eq!(document["simulators"]["wechat_official_account"]["address"], "127.0.0.1:2530");
        for (simulator, port) in [("smtp", 2_531), ("wecom", 2_526), ("aliyun_sms", 2_528)] {
            assert_eq!(document["simulators"][simulator]["control"], control(port));
        }
        assert_eq!(document["simulators"]["campus_sign_in"]["address"], "127.0.0.1:2532");
        let text = banner.text();
        for wanted in [
            "POST http://127.0.0.1:2531/control",
            "listening on http://127.0.0.1:8080\n",
            "Bearer bt_live_x",
            "Prefer: wait=5",
            "BELLTOWER_DATA=/secret/place belltower",
        ] {
            assert!(text.contains(wanted), "{text}");
        }
    }
}
