//! Alibaba Cloud's SMS service.

mod calls;
mod codes;
mod limits;
mod telling;

use super::vendor::{Account, Asked, Campus, Says, Table, Vendor, means, so, what_follows};
use super::*;
use crate::support::app::TestApp;
use crate::support::on_both;

fn settings(vendor: &Vendor) -> Value {
    json!({
        "access_key_id": "LTAI5tExample", "access_key_secret": "hunter2hunter2", "sign_name": "钟楼大学",
        "endpoint": vendor.url, "default_template": {"code": "SMS_1", "variables": ["title", "body"]},
    })
}

fn said(code: &str, message: &str) -> Says {
    so((200, json!({"Code": code, "Message": message, "RequestId": "R-1"})))
}

fn taken() -> Says {
    so((200, json!({"Code": "OK", "Message": "OK", "BizId": "9000^0", "RequestId": "R-1"})))
}

async fn account(answers: impl Fn(&Asked) -> Says + Send + Sync + 'static) -> Account {
    Account::over(ProviderKind::AliyunSms, settings, answers).await
}

/// What the account's vendor was asked since the last time.
fn actions(account: &Account) -> Vec<String> {
    account.vendor.asked().iter().map(|asked| asked.header("x-acs-action").to_owned()).collect()
}

/// The numbers of a call.
fn numbers(asked: &Asked) -> Vec<String> {
    match asked.header("x-acs-action") {
        "SendBatchSms" => serde_json::from_str(asked.field("PhoneNumberJson")).unwrap(),
        _ => asked.field("PhoneNumbers").split(',').map(str::to_owned).collect(),
    }
}
