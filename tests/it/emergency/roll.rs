//! The roll call as people meet it: a link in a mail, a page, and what is told again to those who are silent.

use belltower::domain::emergency::Condition;
use belltower::domain::id::BroadcastId;
use belltower::service::roll_call::{self, PersonView, Wanted};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Campus, EVERYBODY, fire, id};
use crate::support::TERMINAL;
use crate::support::app::Answer;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

impl Campus {
    /// A fire, live and with everybody told.
    async fn on_fire(&self) -> String {
        let pressed = self.post("/broadcasts", &fire(false)).await.expect(202);
        let id = id(&pressed);
        self.approve(&id).await;
        self.app.drain().await;
        id
    }

    /// The path of the link in somebody's latest mail.
    fn link(&self, to: &str) -> String {
        let mail = self.relay.mailbox().latest_to(to).unwrap();
        let text = mail.text.unwrap();
        let site = self.app.services.campus.public_url.as_str();
        let link = text.lines().find_map(|line| line.strip_prefix(site)).expect(&text);
        let link = format!("/{link}");
        assert!(
            mail.html
                .unwrap()
                .contains(&format!("href=\"{}\"", site.trim_end_matches('/').to_owned() + &link))
        );
        link
    }

    async fn open(&self, link: &str) -> Answer {
        Answer::of(self.app.plain(Method::GET, link).header("accept", "text/html")).await
    }

    /// Presses a button, and reads the page that follows.
    async fn say(&self, link: &str, form: &str) -> Answer {
        let form = self
            .app
            .plain(Method::POST, link)
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
        Answer::of(form).await
    }

    async fn roll(&self, id: &str) -> Value {
        self.get(&format!("/broadcasts/{id}")).await["roll_call"].clone()
    }

    async fn list(&self, id: &str, condition: Option<Condition>) -> Vec<PersonView> {
        let id: BroadcastId = id.parse().unwrap();
        let wanted = Wanted { condition, ..Wanted::default() };
        roll_call::list(&self.app.services, &TERMINAL, id, &wanted, None, 50).await.unwrap()
    }
}

#[tokio::test]
async fn a_link_shows_what_happened_and_only_a_button_answers() {
    let campus = Campus::start().await;
    let id = campus.on_fire().await;
    assert_eq!(campus.roll(&id).await, json!({"safe": 0, "help": 0, "silent": 3}));
    let link = campus.link("p0@campus.example");
    assert_eq!(link.len(), "/m/".len() + 10, "{link}");
    assert_ne!(link, campus.link("p1@campus.example"), "each their own");

    // Scanners look at it, and so do people.
    assert_eq!(Answer::of(campus.app.plain(Method::HEAD, &link)).await.status, 200);
    let page = campus.open(&link).await;
    assert_eq!(page.status, 200);
    for part in ["图书馆发生火情", "我安全", "需要帮助", "120"] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    for personal in ["李想", "p0@campus.example", "2023000", "演练"] {
        assert!(!page.text.contains(personal), "{personal}: {}", page.text);
    }
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    assert!(campus.open(&format!("{link}?answer=help&lang=en")).await.text.contains("I need help"));
    assert_eq!(campus.roll(&id).await["silent"], 3, "to look is no answer");
    assert_eq!(campus.say(&link, "answer=maybe").await.status, 400);
    assert_eq!(campus.say(&link, "").await.status, 400);

    // Help is called for by one press. Then the answer stands above everything, with the question where they are.
    let called = campus.say(&link, "answer=help").await;
    let at = |text: &str| called.text.find(text).unwrap_or_else(|| panic!("{text}: {}", called.text));
    let order = [
        "roll-said-help",
        "role=\"status\"",
        "已收到您的回答：",
        "请告诉我们您在哪里",
        "name=\"place\"",
        "图书馆发生火情",
    ];
    assert!(order.map(at).is_sorted(), "{}", called.text);
    assert_eq!(called.text.matches("value=\"help\"").count(), 1, "nobody is asked twice: {}", called.text);
    let words = "answer=help&place=%E4%B8%89%E6%A5%BC&words=%3Cb%3E%E9%97%A8%E6%89%93%E4%B8%8D%E5%BC%80";
    let said = campus.say(&link, words).await;
    assert_eq!(said.status, 200);
    for part in
        ["已收到您的回答", "三楼", "&#60;b&#62;门打不开", "列在值班人员名单的最上方", "立即拨打 119、120"]
    {
        assert!(said.text.contains(part), "{part}: {}", said.text);
    }
    let english = campus.open(&format!("{link}?lang=en")).await;
    assert!(english.text.contains("stands on top of the duty officers’ list"), "{}", english.text);
    for page in [&said, &english] {
        for promise in ["已看到", "officers see", "演练", "drill"] {
            assert!(!page.text.contains(promise), "{promise}: nobody knows that: {}", page.text);
        }
    }
    assert_eq!(campus.roll(&id).await, json!({"safe": 0, "help": 1, "silent": 2}));
    let help = campus.list(&id, Some(Condition::Help)).await;
    assert_eq!(help[0].person.place.as_deref(), Some("三楼"));
    // Whoever presses the button again, on a page that stood open, is where they said before.
    campus.say(&link, "answer=help").await;
    let help = campus.list(&id, Some(Condition::Help)).await;
    assert_eq!(help[0].person.place.as_deref(), Some("三楼"));
    assert!(!help[0].late);

    // Then they are safe: the last counts, by whichever way.
    campus.app.clock.turn(60_000);
    let safe = campus.say(&format!("{link}?lang=en"), "answer=safe").await;
    assert!(safe.text.contains("Thank you. You said:") && safe.text.contains("<strong>I am safe</strong>"));
    assert!(safe.text.contains("roll-said-safe") && !safe.text.contains("name=\"place\""), "{}", safe.text);
    assert_eq!(campus.roll(&id).await, json!({"safe": 1, "help": 0, "silent": 2}));
    // What is too long is cut, and nobody turned away.
    let long = format!("answer=help&place={}", "x".repeat(200));
    assert_eq!(campus.say(&campus.link("p1@campus.example"), &long).await.status, 200);
    let help = campus.list(&id, Some(Condition::Help)).await;
    assert_eq!(help[0].person.place.as_ref().unwrap().len(), 60);
}

#[tokio::test]
async fn a_damaged_link_and_one_whose_time_is_over_lead_nowhere() {
    let campus = Campus::start().await;
    let id = campus.on_fire().await;
    let link = campus.link("p0@campus.example");
    for at in 3..link.len() {
        let mut altered = link.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert_eq!(campus.open(&altered).await.status, 404, "{altered}");
        assert_eq!(campus.say(&altered, "answer=safe").await.status, 404, "{altered}");
    }
    assert_eq!(campus.say("/m/AAAAAAAAAAAAAAAAAAAAAAAA", "answer=safe").await.status, 404);
    assert_eq!(campus.roll(&id).await["silent"], 3);
    // Somebody was a day without a telephone.
    campus.app.clock.turn(DAY);
    campus.app.drain().await;
    assert!(campus.open(&link).await.text.contains("这次广播已经结束"));
    assert_eq!(campus.say(&link, "answer=safe").await.status, 200);
    campus.app.clock.turn(7 * DAY);
    assert_eq!(campus.open(&link).await.status, 404);
    assert_eq!(campus.say(&link, "answer=help").await.status, 404);
    assert_eq!(campus.roll(&id).await, json!({"safe": 1, "help": 0, "silent": 2}));
}

#[tokio::test]
async fn after_the_all_clear_the_page_says_so_and_late_answers_are_kept_as_late() {
    let campus = Campus::start().await;
    let id = campus.on_fire().await;
    let link = campus.link("p0@campus.example");
    campus.say(&link, "answer=safe").await;
    campus.app.clock.turn(60_000);
    campus.post(&format!("/broadcasts/{id}/all-clear"), &json!({})).await.expect(202);
    campus.app.drain().await;
    let cleared = campus.relay.mailbox().latest_to("p1@campus.example").unwrap();
    assert!(!cleared.text.unwrap().contains("/m/"), "what says that it is over asks nothing");
    let late = campus.link_of_alert("p1@campus.example");
    let page = campus.open(&late).await;
    assert!(
        page.text.contains("解除：已经结束") && !page.text.contains("请立即从安全出口撤离"),
        "{}",
        page.text
    );
    campus.app.clock.turn(60_000);
    let said = campus.say(&late, "answer=help&place=x").await;
    assert!(said.text.contains("不一定有人马上看到") && !said.text.contains("最上方"), "{}", said.text);
    let help = campus.list(&id, Some(Condition::Help)).await;
    assert_eq!((help.len(), help[0].late), (1, true));
    assert!(!campus.list(&id, Some(Condition::Safe)).await[0].late);
}

impl Campus {
    /// The link of the alert, where later mails have come.
    fn link_of_alert(&self, to: &str) -> String {
        use belltower::simulator::MailQuery;
        let all = self.relay.mailbox().list(&MailQuery { limit: 100, ..MailQuery::default() });
        let first = all
            .mails
            .iter()
            .filter(|mail| mail.recipients.iter().any(|one| one == to))
            .min_by_key(|m| m.sequence);
        let text = self.relay.mailbox().find(first.unwrap().sequence).unwrap().text.unwrap();
        let site = self.app.services.campus.public_url.as_str();
        format!("/{}", text.lines().find_map(|line| line.strip_prefix(site)).expect(&text))
    }
}

#[tokio::test]
async fn those_who_are_silent_are_told_again_and_nobody_else() {
    let campus = Campus::start().await;
    let id = campus.on_fire().await;
    assert_eq!(campus.told("紧急"), EVERYBODY);
    campus.say(&campus.link("p0@campus.example"), "answer=help").await;
    let broadcast: BroadcastId = id.parse().unwrap();
    let marked =
        campus.list(&id, None).await.into_iter().find(|one| one.person.campus_id == "2023001").unwrap();
    roll_call::mark(&campus.app.services, &TERMINAL, broadcast, marked.person.id, Condition::Safe)
        .await
        .unwrap();
    let silent: Vec<_> =
        campus.list(&id, None).await.iter().map(|one| one.person.campus_id.clone()).collect();
    assert_eq!(silent, ["2023002"]);
    let by = campus.list(&id, Some(Condition::Safe)).await;
    assert_eq!(by[0].person.marked_by.as_deref(), Some(TERMINAL.label().as_str()));

    campus.app.clock.turn(5 * 60_000);
    campus.app.drain().await;
    let shown = campus.get(&format!("/broadcasts/{id}")).await;
    let parts = shown["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 2, "{shown}");
    assert_eq!(parts[1]["part"], "escalation");
    let message = parts[1]["message"].as_str().unwrap();
    let again = campus.get(&format!("/messages/{message}/deliveries")).await;
    let mut again: Vec<_> = again["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["recipient"]["campus_id"].as_str().unwrap(), one["channel"].as_str().unwrap()))
        .collect();
    again.sort_unstable();
    assert_eq!(again, [("2023002", "sms"), ("2023002", "wechat")], "on other channels");
    assert_eq!(campus.told("紧急"), EVERYBODY, "nobody had a second mail");
}

#[tokio::test]
async fn who_answers_a_drill_and_who_follows_an_update_is_known() {
    let campus = Campus::start().await;
    let drill = id(&campus.post("/broadcasts", &fire(true)).await.expect(202));
    campus.app.drain().await;
    let message = campus.get(&format!("/broadcasts/{drill}")).await["parts"][0]["message"].clone();
    let deliveries =
        campus.get(&format!("/messages/{}/deliveries?channel=email", message.as_str().unwrap())).await;
    let first = deliveries["data"][0]["id"].as_str().unwrap().parse().unwrap();
    let link = belltower::service::short_links::roll_call_path(&campus.app.services.vault, first);
    let page = campus.say(&link, "answer=safe").await;
    assert!(page.text.contains("这是演练。") && page.text.contains("标记为演练"), "{}", page.text);
    assert_eq!(campus.roll(&drill).await["safe"], 1);
    let page = campus.say(&link, "answer=help").await;
    assert!(page.text.contains("不会有人因此前来"), "{}", page.text);
    for part in ["最上方", "立即拨打"] {
        assert!(!page.text.contains(part), "{part}: {}", page.text);
    }

    // What is told afterwards asks for the same roll.
    let fire = campus.on_fire().await;
    let alert = campus.link("p0@campus.example");
    let more = json!({"zh": {"title": "图书馆东门已封闭", "body": "请走西门。"}});
    let update = id(&campus.post(&format!("/broadcasts/{fire}/update"), &more).await.expect(202));
    campus.approve(&update).await;
    campus.app.drain().await;
    let link = campus.link("p0@campus.example");
    assert_ne!(link, alert);
    for link in [&link, &alert] {
        let page = campus.open(link).await;
        assert!(page.text.contains("请走西门") && page.text.contains("补充说明"), "{}", page.text);
    }
    campus.say(&link, "answer=safe").await;
    assert_eq!(campus.roll(&fire).await, json!({"safe": 1, "help": 0, "silent": 2}));
    assert_eq!(campus.roll(&update).await, Value::Null, "it is counted once");
    let shown = campus.open(&alert).await;
    assert!(shown.text.contains("已收到您的回答"), "{}", shown.text);
}
