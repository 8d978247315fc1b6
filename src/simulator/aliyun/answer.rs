//! What a call is answered: in JSON, or in XML where an old client does not ask for JSON.

use serde_json::{Map, Value, json};

use crate::simulator::http::Answer;

/// Why a call comes to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    /// In the vendor's words for the code.
    pub(super) fn new(code: &str) -> Self {
        Self::saying(code, words(code))
    }

    pub(super) fn saying(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }

    /// Of the service itself, which answers 200; the gateway before it does not.
    fn is_business(&self) -> bool {
        self.code.starts_with("isv.")
            || self.code.starts_with("isp.")
            || !self.code.contains(char::is_lowercase)
    }

    fn status(&self) -> u16 {
        match self.code.as_str() {
            _ if self.is_business() => 200,
            "InvalidAccessKeyId.NotFound" | "InvalidAction.NotFound" => 404,
            "InternalError" => 500,
            "ServiceUnavailable" => 503,
            _ => 400,
        }
    }
}

fn words(code: &str) -> &str {
    match code {
        "isv.MOBILE_NUMBER_ILLEGAL" => "手机号码格式错误",
        "isv.MOBILE_COUNT_OVER_LIMIT" => "手机号码数量超过限制",
        "isv.SMS_SIGNATURE_ILLEGAL" => "该账号下找不到对应签名",
        "isv.SMS_TEMPLATE_ILLEGAL" => "该账号下找不到对应模板",
        "isv.TEMPLATE_MISSING_PARAMETERS" => "模板变量中存在未赋值变量",
        "isv.TEMPLATE_PARAMS_ILLEGAL" => "传入的变量内容和实际申请模板时变量所选择的属性类型不配",
        "isv.INVALID_JSON_PARAM" => "参数格式错误，请修改为字符串值",
        "isv.INVALID_PARAMETERS" => "参数格式不正确",
        "isv.PARAM_LENGTH_LIMIT" => "参数超过长度限制",
        "isv.PARAM_NOT_SUPPORT_URL" => "变量不支持传入URL",
        "isv.EXTEND_CODE_ERROR" => "扩展码使用错误",
        "isv.AMOUNT_NOT_ENOUGH" => "账户余额不足",
        "isv.BUSINESS_LIMIT_CONTROL" => "触发天级流控Permits:50",
        "isv.DAY_LIMIT_CONTROL" => "触发日发送限额",
        "isv.DENY_IP_RANGE" => "源IP地址所在的地区被禁用",
        "InvalidAccessKeyId.NotFound" => "Specified access key is not found.",
        "SignatureNonceUsed" => "Specified signature nonce was used already.",
        "InvalidTimeStamp.Expired" => "Specified time stamp or date value is expired.",
        "InvalidTimeStamp.Format" => "Specified time stamp or date value is not well formatted.",
        "InvalidVersion" => "Specified parameter Version is not valid.",
        "InvalidAction.NotFound" => "Specified api is not found, please check your url and method.",
        "IncompleteSignature" => "The request signature does not conform to Aliyun standards.",
        "Throttling.User" => "Request was denied due to user flow control.",
        _ => "simulated",
    }
}

/// What the answer to one call is written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    /// Empty where nobody knows it yet.
    pub(super) action: String,
    pub(super) is_xml: bool,
    pub(super) host: String,
}

impl Manner {
    pub(super) fn say(&self, said: Result<Value, Refusal>) -> Answer {
        let id = request_id();
        let (status, name, body) = match said {
            Ok(mut body) => {
                body["Code"] = "OK".into();
                body["Message"] = "OK".into();
                body["RequestId"] = id.into();
                (200, format!("{}Response", self.action), body)
            }
            Err(refusal) if refusal.is_business() => {
                let Refusal { code, message } = refusal;
                let body = json!({"Code": code, "Message": message, "RequestId": id});
                (200, format!("{}Response", self.action), body)
            }
            Err(refusal) => {
                let recommend = format!("https://api.aliyun.com/troubleshoot?q={}", refusal.code);
                let body = json!({
                    "Code": refusal.code, "Message": refusal.message, "RequestId": id, "HostId": self.host,
                    "Recommend": recommend,
                });
                (refusal.status(), "Error".to_owned(), body)
            }
        };
        if !self.is_xml {
            return Answer::Json { status, body: body.to_string() };
        }
        let mut text = "<?xml version='1.0' encoding='UTF-8'?>".to_owned();
        element(&name, &body, &mut text);
        let headers = vec![("Content-Type", "text/xml;charset=utf-8".to_owned())];
        Answer::Other { status, headers, body: text.into_bytes() }
    }
}

fn request_id() -> String {
    let id = format!("{:032X}", rand::random::<u128>());
    format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
}

fn element(name: &str, value: &Value, text: &mut String) {
    let members = |members: &Map<String, Value>, text: &mut String| {
        members.iter().for_each(|(name, value)| element(name, value, text));
    };
    match value {
        Value::Array(items) => return items.iter().for_each(|item| element(name, item, text)),
        Value::Object(object) => {
            text.push_str(&format!("<{name}>"));
            members(object, text);
        }
        Value::String(words) => {
            text.push_str(&format!("<{name}>{}", quick_xml::escape::escape(words.as_str())));
        }
        other => text.push_str(&format!("<{name}>{other}")),
    }
    text.push_str(&format!("</{name}>"));
}
