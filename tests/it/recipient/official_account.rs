use belltower::domain::channel::ChannelKind;
use belltower::domain::provider::ProviderKind;
use belltower::simulator::{OfficialAccountOptions, OfficialAccountSimulator};
use reqwest::Client;
use reqwest::redirect::Policy;
use url::Url;

use super::binding::{Campus, Phone};

const OPENID: &str = "oLina-00000000000000000001";

#[tokio::test]
async fn a_follower_proves_who_they_are_in_wechat_itself() {
    let campus = Campus::new().await;
    let account = OfficialAccountSimulator::start(OfficialAccountOptions::default()).await.unwrap();
    let kind = ProviderKind::WechatOfficialAccount;
    campus.sends_by("公众号", ChannelKind::Wechat, kind, account.settings()).await;
    let mut phone = Phone::with(&campus, "wechat");
    let mut there = phone.led().await;
    there.query_pairs_mut().append_pair("as", OPENID);
    let wechat = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let let_in = wechat.get(there).send().await.unwrap();
    assert_eq!(let_in.status(), 302);
    let back = Url::parse(let_in.headers()["location"].to_str().unwrap()).unwrap();
    assert!(back.path().starts_with("/bind/prv_"), "{back}");

    let came = phone.get(&format!("{}?{}", back.path(), back.query().unwrap())).await;
    assert_eq!(came.status, 303, "{}", came.text);
    assert_eq!(phone.ask("2024001").await.status, 303);
    let code = campus.code().await.unwrap();
    let done = phone.type_in(&code).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let li = campus.app.get("/recipients/2024001").await.expect(200);
    assert_eq!(li["wechat_openid"], OPENID);
    assert!(li["wecom_userid"].is_null(), "{li}");
}
