//! A roll call by WeCom: one card for a thousand people, whose buttons say who pressed them; and a page that all of them
//! share, which knows who somebody is by their sign-in.

use belltower::domain::channel::AddressKind;
use belltower::domain::emergency::{Condition, Run, Unit};
use belltower::domain::operator::Role;
use belltower::service::roll_call::{self, CountsRow, Wanted};
use belltower::service::{recipients, scenarios, short_links};
use belltower::simulator::{
    PushPlan, VendorClock, WecomFaults, WecomHappening, WecomMessage, WecomOptions, WecomSimulator,
};
use belltower::store::{Db, answers, broadcasts as kept};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};

use super::seal::{KEY, TOKEN as SIGNS};
use super::*;
use crate::support::app::{Answer, TestApp};
use crate::support::fire::{fire, press_fire};
use crate::support::{TERMINAL, on_both, operator};

const MEMBERS: [(&str, &str); 3] = [("2024001", "lina"), ("2024002", "WangQiang"), ("2024003", "zhao.min")];

struct Campus {
    app: TestApp,
    corp: WecomSimulator,
    id: belltower::domain::id::BroadcastId,
}

impl Campus {
    /// A campus of three on whose library there is fire. `heard`: WeCom tells us what is pressed; its clock is a second slow.
    async fn on_fire(db: Db, heard: bool) -> Self {
        let app = TestApp::on(db).await;
        scenarios::seed(&app.services).await.unwrap();
        let clock = app.clock.clone();
        let options = WecomOptions {
            token: SIGNS.to_owned(),
            aes_key: KEY.to_owned(),
            clock: VendorClock(Arc::new(move || clock.now().0 - 1_000)),
            faults: WecomFaults { unknown: vec!["guest*".to_owned()], ..WecomFaults::default() },
            ..WecomOptions::default()
        };
        let corp = WecomSimulator::start(options).await.unwrap();
        let mut settings = corp.settings();
        if !heard {
            let settings = settings.as_object_mut().unwrap();
            settings.remove("callback_token");
            settings.remove("callback_aes_key");
        }
        let provider = app.provider("企业微信", ProviderKind::Wecom, settings).await;
        if heard {
            let url = Some(app.callback(&provider).to_string());
            corp.set_push(PushPlan { url, ..PushPlan::default() });
        }
        for (campus_id, member) in MEMBERS {
            let body = json!({ "name": member, "wecom_userid": member, "attributes": {} });
            recipients::put(&app.services, &TERMINAL, campus_id, &body).await.unwrap();
        }
        let officer = operator(Role::DutyOfficer);
        let id = press_fire(&app.services, &officer, Run::Live, &fire("图书馆")).await.unwrap().id;
        app.drain().await;
        Self { app, corp, id }
    }

    fn message(&self) -> WecomMessage {
        self.corp.mailbox().latest_to("lina").unwrap()
    }

    async fn press(&self, member: &str, words: &str) {
        let task = self.message().card.unwrap().task_id;
        let click = WecomHappening::Click { member: member.to_owned(), task, key: words.to_owned() };
        self.corp.happen(click).unwrap();
        self.corp.push_due().await;
        self.app.drain().await;
    }

    async fn counts(&self) -> (i64, i64, i64) {
        let owner = operator(Role::Owner);
        let counts = roll_call::of_broadcast(&self.app.services, &owner, self.id).await.unwrap();
        let CountsRow { asked, safe, help } = counts.unwrap();
        (asked, safe, help)
    }

    /// What somebody says by a link of their own, on our page.
    async fn says(&self, member: &str, condition: Condition) {
        let s = &self.app.services;
        let alert = kept::messages(&s.db, self.id).await.unwrap()[0].message_id;
        let mut tx = s.db.begin().await.unwrap();
        let found = answers::delivery_to(&mut tx, alert, AddressKind::WecomUserid, member).await.unwrap();
        drop(tx);
        let path = short_links::roll_call_path(&s.vault, found.unwrap());
        let token = path.strip_prefix("/m/").unwrap();
        let answer = roll_call::Answer { condition, place: None, words: None };
        roll_call::answer(s, token, [10, 1, 2, 3].into(), &answer).await.unwrap();
    }

    /// What a browser is answered that goes nowhere by itself.
    async fn ask(&self, address: &str, cookie: Option<&str>) -> Answer {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        let at = if address.starts_with("http") {
            address.to_owned()
        } else {
            format!("{}{address}", self.app.url)
        };
        let request = client.request(Method::GET, at).header("accept", "text/html");
        Answer::of(match cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        })
        .await
    }
}

on_both!(one_card_asks_everybody_and_a_press_is_one_persons_answer, |db| async {
    let campus = Campus::on_fire(db, true).await;
    let message = campus.message();
    assert_eq!((campus.corp.stats().send, message.members.len(), message.kind), (1, 3, "template_card"));
    assert!(message.text.contains("图书馆"), "{message:?}");
    assert_eq!(campus.counts().await, (3, 0, 0));
    campus.press("lina", "我安全").await;
    campus.press("WANGQIANG", "需要帮助").await;
    assert_eq!(campus.counts().await, (3, 1, 1));
    let shown = campus.message().card.unwrap().replaced;
    assert_eq!(shown.get("wangqiang").map(String::as_str), Some("已回复：需要帮助"));
    let owner = operator(Role::Owner);
    let board = roll_call::board(&campus.app.services, &owner, campus.id, Unit::College).await.unwrap();
    let in_need = board.in_need.unwrap();
    assert_eq!((in_need.len(), in_need[0].person.name.as_str()), (1, "WangQiang"));
    // The card has no buttons any more; what changes is said on the page that it leads to.
    assert!(message.link.unwrap().contains("/r/"));
});

on_both!(no_call_for_help_loses_to_what_was_said_before_it, |db| async {
    let campus = Campus::on_fire(db, true).await;
    // WeCom says whole seconds by a clock of its own: what is pressed next is told as of more than a second ago.
    campus.app.clock.turn(1_300 - campus.app.clock.now().0 % 1_000);
    campus.says("lina", Condition::Safe).await;
    campus.press("lina", "需要帮助").await;
    assert_eq!(campus.counts().await, (3, 0, 1));
    // And of a card that says safe nobody knows whether it was before.
    campus.says("wangqiang", Condition::Help).await;
    campus.press("WANGQIANG", "我安全").await;
    assert_eq!(campus.counts().await, (3, 0, 2));
    // Some seconds later there is no doubt, whichever way it is said.
    campus.app.clock.turn(3_000);
    campus.says("wangqiang", Condition::Safe).await;
    campus.says("zhao.min", Condition::Help).await;
    assert_eq!(campus.counts().await, (3, 1, 2));
    campus.app.clock.turn(3_000);
    campus.press("zhao.min", "我安全").await;
    assert_eq!(campus.counts().await, (3, 2, 1));
});

on_both!(the_shared_page_knows_who_somebody_is_by_their_sign_in, |db| async {
    let campus = Campus::on_fire(db, false).await;
    let message = campus.message();
    assert_eq!((campus.corp.stats().send, message.kind), (1, "text"), "nobody would hear a button");
    let (_, link) = message.text.rsplit_once("报平安或求助：").expect(&message.text);
    let path = link.trim().strip_prefix(campus.app.services.campus.public_url.as_str()).unwrap();
    let path = format!("/{path}");
    assert!(path.starts_with("/r/") && path.len() == 13, "{path}");
    let page = campus.ask(&path, None).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("图书馆") && page.text.contains(&format!("{path}/sign-in")), "{}", page.text);
    assert_eq!(campus.counts().await, (3, 0, 0));

    let sign_in = async |member: &str| {
        let off = campus.ask(&format!("{path}/sign-in"), None).await;
        assert_eq!(off.status, 303, "{}", off.text);
        let cookie = off.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let there = off.header("location").unwrap();
        let there = there.replace("#wechat_redirect", &format!("&as={member}"));
        let back = campus.ask(&there, None).await;
        let back: url::Url = back.header("location").unwrap().parse().unwrap();
        let back = format!("{}?{}", back.path(), back.query().unwrap());
        (cookie, back)
    };
    let (cookie, back) = sign_in("LINA").await;
    let home = campus.ask(&back, Some(&cookie)).await;
    assert_eq!(home.status, 303, "{}", home.text);
    let own = home.header("location").unwrap().to_owned();
    assert!(own.starts_with("/m/") && own.len() == 13, "{own}");
    assert_eq!(campus.counts().await, (3, 0, 0), "to sign in is no answer");
    let said =
        campus.app.plain(Method::POST, &own).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(Answer::of(said.body("answer=safe")).await.status, 200);
    assert_eq!(campus.counts().await, (3, 1, 0));
    let safe = Wanted { condition: Some("safe".parse().unwrap()), ..Wanted::default() };
    let owner = operator(Role::Owner);
    let list = roll_call::list(&campus.app.services, &owner, campus.id, &safe, None, 9).await.unwrap();
    assert_eq!(list[0].person.campus_id, "2024001");

    // In another browser, of nobody it was for, and by nobody's link.
    let (_, back) = sign_in("zhao.min").await;
    let begin = campus.ask(&back, None).await;
    assert_eq!((begin.status, begin.header("location")), (303, Some(path.as_str())));
    let (cookie, back) = sign_in("guest9").await;
    let stranger = campus.ask(&back, Some(&cookie)).await;
    assert_eq!(stranger.status, 409);
    assert!(stranger.text.contains("没有认出您"), "{}", stranger.text);
    for wrong in ["/r/0123456789", "/r/x", "/r/0123456789/sign-in"] {
        assert_eq!(campus.ask(wrong, None).await.status, 404, "{wrong}");
    }
});
