//! What opens in a follower's browser, QR codes, and the account's own port.

use super::*;
use crate::simulator::wechat::courier::PushPlan;
use crate::simulator::wechat::customer::Customer;

const AUTHORIZE: &str = "/connect/oauth2/authorize?appid=wxsimulator&redirect_uri=https%3A%2F%2Fa.example%2Fbind%3Fx%3D1\
                         &response_type=code&scope=snsapi_base&state=s%26t";

#[tokio::test]
async fn a_site_learns_once_who_is_there() {
    let house = House::new(OfficialAccountFaults::default()).await;
    house.account.happen(Happening::Follow { openid: LINA.to_owned() }).unwrap();
    let asked = house.open(AUTHORIZE).await;
    assert!(
        asked.contains(&format!("<option value=\"{LINA}\">")) && asked.contains("value=\"s&amp;t\""),
        "{asked}"
    );
    let led = house.open(&format!("{AUTHORIZE}&as={LINA}")).await;
    let (_, rest) = led.split_once("Location: https://a.example/bind?x=1&code=").unwrap();
    let (code, rest) = rest.split_once('&').unwrap();
    assert!(led.starts_with("HTTP/1.1 302 ") && rest.starts_with("state=s%26t\r\n"), "{led}");
    let redeem = async |code: &str| {
        let path = format!(
            "/sns/oauth2/access_token?appid=wxsimulator&secret=simulator-secret&code={code}&grant_type=authorization_code"
        );
        house.ask("GET", &path, &Value::Null).await
    };
    let said = redeem(code).await;
    assert_eq!((&said["openid"], &said["scope"]), (&json!(LINA), &json!("snsapi_base")));
    assert_eq!(redeem(code).await["errcode"], 40_163, "once");
    assert_eq!(redeem("other").await["errcode"], 40_029);
    let led = house.open(&format!("{AUTHORIZE}&as={LINA}")).await;
    let code = led.split_once("code=").unwrap().1.split_once('&').unwrap().0;
    house.hands.turn(300);
    assert_eq!(redeem(code).await["errcode"], 40_029, "five minutes");
}

#[tokio::test]
async fn a_site_that_asks_wrongly_is_led_nowhere() {
    let house = House::new(OfficialAccountFaults::default()).await;
    for (from, to) in [
        ("wxsimulator", "wx"),
        ("snsapi_base", "snsapi_all"),
        ("response_type=code", "response_type=token"),
        ("https%3A", "javascript%3A"),
    ] {
        let said = house.open(&format!("{}&as={LINA}", AUTHORIZE.replace(from, to))).await;
        assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("（1000"), "{said}");
    }
}

#[tokio::test]
async fn a_scanned_code_tells_its_scene() {
    let (_server, url, customer) = Customer::listening(&[]).await;
    let push = PushPlan { url: Some(url.to_string()), encrypted: false, ..PushPlan::default() };
    let house = House::with(OfficialAccountOptions { push, ..OfficialAccountOptions::default() }).await;
    house.account.happen(Happening::Unfollow { openid: LINA.to_owned() }).unwrap();
    let body = json!({
        "expire_seconds": 600, "action_name": "QR_STR_SCENE",
        "action_info": { "scene": { "scene_str": "bind-7" } },
    });
    let code = house.post("/cgi-bin/qrcode/create", &body).await;
    assert_eq!((&code["expire_seconds"], &code["errcode"]), (&json!(600), &Value::Null), "as WeChat says it");
    let page = text(&code["url"]);
    let page = page.split_once("/q/").unwrap().1;
    assert!(house.open(&format!("/q/{page}")).await.contains("<form action=\"/q/"));
    assert!(house.open(&format!("/q/{page}?as=lina")).await.contains("不是 openid"));
    for _ in 0..2 {
        assert!(house.open(&format!("/q/{page}?as={LINA}")).await.contains("已关注"));
    }
    house.account.push_due().await;
    let told: Vec<_> =
        customer.told().iter().map(|push| String::from_utf8(push.body.clone()).unwrap()).collect();
    let ticket = format!("<Ticket><![CDATA[{}]]></Ticket>", text(&code["ticket"]));
    for (told, parts) in told.iter().zip([
        ["[unsubscribe]", "<EventKey>", "gh_simulator"],
        ["[subscribe]", "<EventKey><![CDATA[qrscene_bind-7]]></EventKey>", &ticket],
        ["[SCAN]", "<EventKey><![CDATA[bind-7]]></EventKey>", &ticket],
    ]) {
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    }
    assert_eq!(told.len(), 3);
    // Within a minute of it the account may say something, three times.
    let words = json!({ "touser": LINA, "msgtype": "text", "text": { "content": "已绑定" } });
    for errcode in [0, 0, 0, 45_047] {
        assert_eq!(house.post("/cgi-bin/message/custom/send", &words).await["errcode"], errcode);
    }
    assert_eq!(house.account.mailbox().latest_to(LINA).unwrap().lines[0].1, "已绑定");
    house.hands.turn(60);
    assert_eq!(house.post("/cgi-bin/message/custom/send", &words).await["errcode"], 45_015);
    let card = json!({ "touser": LINA, "msgtype": "card" });
    assert_eq!(house.post("/cgi-bin/message/custom/send", &card).await["errcode"], 40_008);
    let token = house.token().await;
    let path = format!("/cgi-bin/user/info?access_token={token}&openid={LINA}");
    let person = house.ask("GET", &path, &Value::Null).await;
    assert_eq!((&person["subscribe"], &person["qr_scene_str"]), (&json!(1), &json!("bind-7")));
    house.hands.turn(600);
    let late = Happening::Scan { openid: LINA.to_owned(), ticket: text(&code["ticket"]) };
    assert!(house.account.happen(late).is_err());
    let wrong = json!({ "action_name": "QR_STR_SCENE", "action_info": { "scene": { "scene_str": "" } } });
    assert_eq!(house.post("/cgi-bin/qrcode/create", &wrong).await["errcode"], 40_053);
}

#[tokio::test]
async fn the_account_is_steered_over_its_own_port() {
    let house = House::new(OfficialAccountFaults::default()).await;
    let unfollow = json!({ "unfollow": { "openid": LINA } });
    let shown = house.ask("POST", "/control/happen", &unfollow).await;
    assert_eq!(shown["followers"][LINA]["follows"], false);
    assert_eq!(house.send(&news(LINA, &json!({}))).await["errcode"], 43_004);
    house.ask("POST", "/control/happen", &json!({ "follow": { "openid": LINA } })).await;
    house.send(&news(LINA, &json!({}))).await;
    let shown = house.ask("GET", "/control", &Value::Null).await;
    assert_eq!((&shown["received"], &shown["stats"]["template"]), (&json!(1), &json!(2)));
    assert_eq!(shown["latest"][0]["openid"], LINA);
    house.ask("POST", "/control", &json!({ "blacklisted": ["*"] })).await;
    assert_eq!(house.send(&news(LINA, &json!({}))).await["errcode"], 43_019);
    let token = house.token().await;
    house.ask("POST", "/control/expire_token", &Value::Null).await;
    assert_ne!(house.token().await, token);
    let verified = house.ask("POST", "/control/verify", &Value::Null).await;
    assert_eq!(verified, json!({ "verified": false, "error": "no http:// address is set" }));
    let shown = house.ask("POST", "/control/reset", &Value::Null).await;
    assert_eq!((&shown["received"], &shown["stats"]["template"]), (&json!(0), &json!(0)));
    assert_eq!(shown["faults"]["blacklisted"], json!(["*"]), "what goes wrong is not forgotten");
    let url = format!("http://{}/control/happen", house.account.addr()).parse().unwrap();
    let (status, _) = call("POST", &url, "application/json", br#"{"follow":{"openid":"x"}}"#).await.unwrap();
    assert_eq!(status, 400);
}
