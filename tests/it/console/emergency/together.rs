//! One fire from three places at once: somebody on duty in the console, a system with its key, a button on a wall. Where nodes
//! share a store, each of those who need nobody comes to another.

use belltower::domain::button::{Gesture, Power};
use belltower::domain::emergency::{Act, HandKind, State};
use belltower::domain::id::{BroadcastId, OperatorId};
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::buttons::{self, ButtonForm, GestureForm};
use belltower::service::{Caller, broadcasts, recipients, scenarios};
use belltower::simulator::{SmtpOptions, SmtpSimulator};
use belltower::store::Db;
use reqwest::Method;
use serde_json::json;

use super::{CHOICES, FIRE, has, lacks, page_of, to};
use crate::console::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::fire::fire;
use crate::support::{TERMINAL, on_both, operator};

/// Whoever is first is so by chance.
const ROUNDS: u64 = 4;
const EVERYBODY: [&str; 2] = ["li@campus.example", "wang@campus.example"];

/// Somebody on duty with a number of their own.
fn officer(number: i64) -> Caller {
    let Caller::Operator(mut officer) = operator(Role::DutyOfficer) else { unreachable!() };
    officer.id = OperatorId(number);
    Caller::Operator(officer)
}

/// An armed button that says that the library burns: where it is heard, and its key.
async fn button(app: &TestApp) -> (String, String) {
    let s = &app.services;
    let form = ButtonForm {
        name: "图书馆总服务台".to_owned(),
        place: "图书馆一层东侧".to_owned(),
        power: Some(Power::Mains),
        gestures: vec![(Gesture::Press, GestureForm { scenario: "fire".to_owned(), params: fire("图书馆") })],
        cancel_seconds: Some(0),
        networks: Vec::new(),
        signed: false,
    };
    let made = buttons::register(s, &officer(11), &form).await.unwrap();
    let version = async || buttons::get(s, &TERMINAL, made.id).await.unwrap().version;
    buttons::ask(s, &officer(11), made.id, version().await).await.unwrap();
    buttons::confirm(s, &officer(12), made.id, version().await).await.unwrap();
    (format!("/buttons/{}/press", made.id), made.key)
}

on_both!(presses_from_three_places_at_the_same_instant_are_one, |db| async {
    let app = TestApp::on(db).await;
    let other = matches!(app.services.db, Db::Postgres(_)).then(|| app.beside());
    let there = other.as_ref().unwrap_or(&app);
    scenarios::seed(&app.services).await.unwrap();
    let relay = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    let settings = json!({
        "host": relay.addr().ip().to_string(), "port": relay.addr().port(), "tls": "none",
        "from_address": "noreply@campus.example", "from_name": "钟楼大学",
    });
    app.provider("relay", ProviderKind::Smtp, settings).await;
    for (number, email) in (1..).zip(EVERYBODY) {
        let body = json!({"name": "李想", "email": email, "attributes": {}});
        recipients::put(&app.services, &TERMINAL, &format!("2023{number:03}"), &body).await.unwrap();
    }
    let (path, button_key) = button(&app).await;
    let mut console = Browser::signed_in(&app, Role::DutyOfficer).await;
    let asked = json!({"scenario": "fire", "params": {"place": "图书馆", "meeting_point": "操场"}});

    for round in 1..=ROUNDS {
        let csrf = console.token(FIRE).await;
        let meant = [("csrf", csrf.as_str()), ("run", "live"), ("version", "1"), ("code", "F1")];
        let fields = [&meant[..], &CHOICES].concat();
        let by_key = if round % 2 == 0 { &app } else { there };
        let said = json!({"kind": "press", "seq": round});
        let (by_console, by_key, by_button) = tokio::join!(
            console.post(FIRE, &fields),
            by_key.post("/broadcasts", &asked),
            Answer::of(there.api_as(&button_key, Method::POST, &path).json(&said)),
        );

        let rows = broadcasts::list(&app.services, &TERMINAL, None, None, 50).await.unwrap();
        let live: Vec<_> = rows.iter().filter(|row| row.state == State::Live).collect();
        assert_eq!(live.len(), 1, "{rows:?}");
        let open = live[0];
        // Those who need nobody have theirs sent, whoever of them began it, and are told where the other did.
        assert!(matches!(open.hand, HandKind::Operator | HandKind::Button), "{open:?}");
        assert_eq!(to(&by_console), page_of(open.id));
        let shown = console.get(&page_of(open.id)).await;
        if open.hand == HandKind::Operator {
            lacks(&shown, &["同样的广播已由"]);
        } else {
            has(&shown, &["同样的广播已由"]);
        }
        let led = json!({"broadcast_id": open.id.to_string(), "led": "live"});
        assert_eq!(by_button.expect(202), led);
        // A key attaches, or began what waits for a second person and had to make way.
        let answer = by_key.expect(202);
        let mut acts = vec![Act::Press, Act::Launch, Act::Attach];
        if answer["attached_to"].is_string() {
            acts.push(Act::Attach);
            assert_eq!(answer["id"], open.id.to_string(), "{answer}");
            // Without the address of whoever pressed.
            let by = open.pressed_by.split(" <").next().unwrap();
            assert_eq!((&answer["attached_to"], &answer["status"]), (&json!(by), &json!("live")));
        } else {
            assert_eq!(answer["status"], "pending_approval", "{answer}");
            let waited: BroadcastId = answer["id"].as_str().unwrap().parse().unwrap();
            let ended = rows.iter().find(|row| row.id == waited).unwrap();
            assert_eq!(ended.state, State::Rejected);
            let why = ended.reason.clone().unwrap();
            assert!(why.contains(&open.id.to_string()), "it says what took its place: {why}");
        }
        let done = broadcasts::acts(&app.services, &TERMINAL, open.id).await.unwrap();
        assert_eq!(done.iter().map(|row| row.act).collect::<Vec<_>>(), acts);

        app.drain().await;
        for person in EVERYBODY {
            assert_eq!(relay.mailbox().mails_to(person), round, "once for each fire");
        }
        broadcasts::stop(&app.services, &TERMINAL, None, open.id, "").await.unwrap();
        // Another press of the button by then, and not the same once more.
        app.clock.turn(60_000);
    }
});
