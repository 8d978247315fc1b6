//! The stable token, the old one, and who gets none.

use super::*;

#[tokio::test]
async fn the_stable_token_stays_until_its_last_five_minutes() {
    let house = House::new(OfficialAccountFaults::default()).await;
    let first = house.stable(false).await;
    assert_eq!((text(&first["access_token"]).len(), &first["expires_in"]), (512, &json!(7_200)));
    house.hands.turn(6_900);
    let same = house.stable(false).await;
    assert_eq!((&same["access_token"], &same["expires_in"]), (&first["access_token"], &json!(300)));
    house.hands.turn(1);
    let next = house.stable(false).await;
    assert_ne!(next["access_token"], first["access_token"]);
    let works = async |token: &Value| {
        let path = format!("/cgi-bin/user/info?access_token={}&openid={LINA}", text(token));
        house.ask("GET", &path, &Value::Null).await["errcode"].as_i64().unwrap()
    };
    house.hands.turn(299);
    assert_eq!(works(&first["access_token"]).await, 0, "both live for five minutes");
    house.hands.turn(1);
    assert_eq!(works(&first["access_token"]).await, 42_001);
    assert_eq!(works(&next["access_token"]).await, 0);
    assert_eq!(works(&json!("short")).await, 40_014);
    assert_eq!(works(&json!("x".repeat(512))).await, 40_001);
    assert_eq!(works(&json!("")).await, 41_001);
}

#[tokio::test]
async fn a_forced_token_kills_the_one_before_and_cannot_be_had_often() {
    let house = House::new(OfficialAccountFaults::default()).await;
    let first = house.token().await;
    let forced = house.stable(true).await;
    let path = format!("/cgi-bin/user/info?access_token={first}&openid={LINA}");
    assert_eq!(house.ask("GET", &path, &Value::Null).await["errcode"], 40_001);
    assert_eq!(house.stable(true).await["errcode"], 45_011, "within 30 seconds");
    assert_eq!(house.stable(false).await["access_token"], forced["access_token"]);
    for _ in 0..19 {
        house.hands.turn(30);
        assert_eq!(house.stable(true).await["errcode"], 0);
    }
    house.hands.turn(30);
    assert_eq!(house.stable(true).await["errcode"], 45_009, "twenty a day");
    house.hands.turn(24 * 3_600);
    assert_eq!(house.stable(true).await["errcode"], 0);
    assert_eq!(house.account.stats().forced, 23);
    house.account.invalidate_token();
    assert_ne!(house.stable(false).await["access_token"], forced["access_token"]);
}

#[tokio::test]
async fn the_old_kind_of_token_is_replaced_by_every_call() {
    let house =
        House::new(OfficialAccountFaults { token_seconds: 600, ..OfficialAccountFaults::default() }).await;
    let path = "/cgi-bin/token?grant_type=client_credential&appid=wxsimulator&secret=simulator-secret";
    let stable = house.token().await;
    let first = text(&house.ask("GET", path, &Value::Null).await["access_token"]);
    let second = text(&house.ask("GET", path, &Value::Null).await["access_token"]);
    assert!(first != second && house.token().await == stable, "one does not touch the other");
    let works = async |token: &str| {
        let path = format!("/cgi-bin/user/info?access_token={token}&openid={LINA}");
        house.ask("GET", &path, &Value::Null).await["errcode"].as_i64().unwrap()
    };
    house.hands.turn(299);
    assert_eq!((works(&first).await, works(&second).await, works(&stable).await), (0, 0, 0));
    house.hands.turn(1);
    assert_eq!((works(&first).await, works(&second).await), (42_001, 0));
    for _ in 0..1_998 {
        house.ask("GET", path, &Value::Null).await;
    }
    assert_eq!(house.ask("GET", path, &Value::Null).await["errcode"], 45_009, "2,000 a day");
}

#[tokio::test]
async fn who_may_not_have_a_token_is_told_why() {
    let house = House::new(OfficialAccountFaults::default()).await;
    let ask = async |changes: Value| {
        let mut body = json!({
            "grant_type": "client_credential", "appid": "wxsimulator", "secret": "simulator-secret",
        });
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        house.ask("POST", "/cgi-bin/stable_token", &body).await
    };
    assert_eq!(ask(json!({ "grant_type": "x" })).await["errcode"], 40_002);
    assert_eq!(ask(json!({ "appid": "wx" })).await["errcode"], 40_013);
    assert_eq!(ask(json!({ "secret": "x" })).await["errcode"], 40_125);
    assert_eq!(house.ask("GET", "/cgi-bin/stable_token", &Value::Null).await["errcode"], 43_002);
    let address = Some("203.0.113.7".to_owned());
    house.account.set_faults(OfficialAccountFaults { unlisted_address: address, ..Default::default() });
    let said = ask(json!({})).await;
    assert_eq!(said["errcode"], 40_164);
    let words = "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: ";
    assert!(text(&said["errmsg"]).starts_with(words), "{said}");
}
