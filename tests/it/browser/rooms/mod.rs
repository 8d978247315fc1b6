//! Every page there is, with something on each. [`room`] is a page and what is done to it; the other files make what is on them.

mod directory;
mod drafts;
mod emergencies;
mod own;
mod rights;
mod room;
mod routed;
mod senders;

use std::sync::Arc;

use belltower::domain::operator::Role;
use belltower::service::operators::{self, NewOperator};
use belltower::service::simulators::Mailboxes;
use reqwest::Method;
use serde_json::json;

use self::directory::{directory, left_alone};
use self::emergencies::{alarm_buttons, emergencies};
use self::own::roll_call_of;
pub(super) use self::own::{reader, recipients_own};
use self::rights::rights;
pub(super) use self::room::Room;
use self::room::room;
use self::routed::routed;
use self::senders::{FAILED, trouble, vendors};
use super::{accepted, applications, to_two};
use crate::support::TERMINAL;
use crate::support::app::{Answer, TestApp};
use crate::support::services::calls_this_machine;

pub(super) async fn app() -> TestApp {
    let mail: Arc<dyn Mailboxes> = Arc::new(crate::console::rooms::OneOfEach);
    TestApp::start_with(|services| {
        services.simulators = Some(mail);
        calls_this_machine(services);
    })
    .await
}

/// Pages for whoever is not signed in.
pub(super) async fn public(app: &TestApp) -> Vec<Room> {
    let new = NewOperator {
        email: "li@bell.example".to_owned(),
        name: "Li Na".to_owned(),
        grants: vec![Role::Auditor.into()],
        password: None,
    };
    let made = operators::create(&app.services, &TERMINAL, new).await.unwrap().done().unwrap();
    let link = made.link.unwrap().strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
    let (page, preferences) = recipients_own(app, "announcement").await;
    let (emergency, _) = recipients_own(app, "emergency").await;
    let reader = reader(app).await;
    let [safe, help, shared] = roll_call_of(app).await;
    vec![
        room(page),
        room(emergency),
        room(&preferences),
        room(&preferences).unsubscribed(),
        room(&reader).agreed(),
        room(&reader).unfolded(),
        room("/m/guess").answering(404),
        room(safe),
        room(help),
        room(shared),
        room("/bind/nobody").answering(404),
        room("/bind/wecom/who"),
        room("/bind/wecom/who").refused(),
        room("/bind/wecom/code"),
        room("/sign-in"),
        room("/sign-in").refused(),
        room(&link),
        room(&link).refused(),
        room("/set-up?token=guess").answering(404),
        room("/problems"),
        room("/problems/invalid"),
    ]
}

/// Pages for a signed-in owner.
pub(super) async fn console(app: &TestApp) -> Vec<Room> {
    let sent = accepted(app, &to_two()).await;
    app.drain().await;
    let mut later = to_two();
    later["send_at"] = json!("2026-10-01T00:00:00Z");
    later["variants"] = json!({ "email.en": { "title": "Exams" }, "sms": { "body": "短" } });
    let scheduled = accepted(app, &later).await;
    let list = format!("/messages/{sent}/deliveries?state=failed");
    let failed = Answer::of(app.api_as(&app.test_key, Method::GET, &list)).await.expect(200);
    let delivery = failed["data"][0]["id"].as_str().unwrap().to_owned();
    let (rule, held) = routed(app).await;
    let source = app.get("/source").await.expect(200)["id"].as_str().unwrap().to_owned();
    let (person, choir, found) = directory(app).await;
    let (asked, over) = left_alone(app).await;
    let [draft, open, long] = drafts::drafts(app).await;
    let [relay, gateway, lost] = senders::providers(app).await;
    let [named, ordered, typed] = vendors(app).await;
    trouble(app).await;
    let [invited, made, waits] = rights(app).await;
    let kind = format!("/console/attention/group?of={FAILED}");
    let [pending, drill, words] = emergencies(app).await;
    let [armed, to_arm] = alarm_buttons(app).await;
    let [registration, subscription] = applications::pages(app).await;
    let chosen = "?at_place=%E5%9B%BE%E4%B9%A6%E9%A6%86&at_meeting_point=%E6%93%8D%E5%9C%BA";
    vec![
        room("/console"),
        room("/console?trend=days").with_menus_open(),
        room("/console/attention"),
        room(&kind),
        room(&kind).asking(),
        room(format!("{kind}&q=nobody")),
        room("/console/attention/acts/1"),
        room("/console/emergency").with_menus_open(),
        room("/console/emergency?code=ZZ").answering(422),
        room("/console/emergency/drill").with_menus_open(),
        room("/console/emergency/exercise"),
        room("/console/emergency/press/fire"),
        room("/console/emergency/press/fire?look=true").answering(422),
        room(format!("/console/emergency/press/fire{chosen}")),
        room(format!("/console/emergency/drill/press/fire{chosen}")),
        room(format!("/console/emergency/exercise/press/fire{chosen}")),
        room("/console/emergency/notice").with_menus_open(),
        room("/console/emergency/notice").refused(),
        room("/console/emergency/drill/notice"),
        room("/console/emergency/scenarios"),
        room("/console/emergency/scenarios/new"),
        room("/console/emergency/scenarios/new").refused(),
        room("/console/emergency/scenarios/fire").with_menus_open(),
        room("/console/emergency/scenarios/fire/edit").with_menus_open(),
        room("/console/emergency/scenarios/earthquake").with_menus_open(),
        room("/console/settings/emergency"),
        room("/console/emergency/broadcasts"),
        room("/console/emergency/broadcasts?run=exercise"),
        room(&pending).unfolded(),
        room(&drill).unfolded(),
        room(format!("{drill}/update")),
        room(format!("{drill}/roll")),
        room(format!("{drill}/roll?by=class&show=help")),
        room(format!("{drill}/report")),
        room(format!("{pending}/choices")),
        room(&words).unfolded(),
        room(format!("{words}/words")),
        room("/console/emergency/buttons"),
        room("/console/emergency/buttons/new"),
        room("/console/emergency/buttons/new").refused(),
        room(&armed).with_menus_open(),
        room(&armed).asking(),
        room(format!("{armed}/edit")),
        room(&to_arm).with_menus_open(),
        room("/console/account"),
        room("/console/account").with_menus_open(),
        room("/console/account/factor"),
        room("/console/account/factor").refused(),
        room("/console/settings/sign-in"),
        room("/console/design"),
        room("/console/design").asking(),
        room("/console/messages"),
        room("/console/messages").with_menus_open(),
        room("/console/messages?q=none&topic=academic.%23"),
        room(format!("/console/messages/{sent}")),
        room(format!("/console/messages/{sent}")).asking(),
        room(format!("/console/messages/{scheduled}")),
        room(format!("/console/messages/{scheduled}")).asking(),
        room(format!("/console/messages/{sent}/deliveries/{delivery}")),
        room("/console/sources"),
        room(format!("/console/sources/{source}")),
        room(format!("/console/sources/{source}")).asking(),
        room(format!("/console/sources/{source}/calls")),
        room(format!("/console/sources/{source}/calls?answered=refused")),
        room(format!("/console/sources/{source}/guard")),
        room(format!("/console/sources/{source}/edit")),
        room("/console/sources/new"),
        room("/console/sources/new").refused(),
        room("/console/sources/registrations"),
        room(&registration),
        room("/console/subscriptions"),
        room(&subscription),
        room("/console/people"),
        room("/console/people?q=none"),
        room("/console/people/new"),
        room("/console/people/new").refused(),
        room("/console/people/import"),
        room("/console/people/import").refused(),
        room(&person),
        room(&person).asking(),
        room(&person).with_menus_open(),
        room(format!("{person}/edit")),
        room(format!("{person}/erase")),
        room(format!("{person}/erase")).refused(),
        room("/console/groups"),
        room("/console/groups?q=none"),
        room("/console/groups/new"),
        room("/console/groups/new").refused(),
        room(format!("/console/groups/{choir}")),
        room(format!("/console/groups/{choir}")).asking(),
        room(format!("/console/groups/{found}")),
        room(format!("/console/groups/{found}/edit")),
        room(format!("/console/groups/{found}/edit")).with_menus_open(),
        room("/console/suppression"),
        room("/console/suppression?q=none"),
        room("/console/suppression/many"),
        room("/console/suppression/new"),
        room("/console/suppression/new").refused(),
        room(&asked),
        room(&asked).refused(),
        room(&over),
        room("/console/providers"),
        room("/console/providers/new"),
        room("/console/providers/new?channel=email&kind=smtp").refused(),
        room("/console/providers/new?channel=sms&kind=http_sms").with_menus_open(),
        room("/console/providers/new?channel=wechat&kind=wecom"),
        room(&relay),
        room(&relay).asking(),
        room(&relay).tested(),
        room(format!("{relay}/edit")).with_menus_open(),
        room(&gateway),
        room(&lost),
        room(format!("{lost}/edit")),
        room("/console/providers/receipts"),
        room("/console/providers/replies"),
        room("/console/alarms"),
        room("/console/alarms/wish"),
        room("/console/settings/campus"),
        room("/console/settings/calendar"),
        room("/console/settings/policy"),
        room("/console/settings/versions"),
        room("/console/settings/alarms"),
        room("/console/settings/retention"),
        room("/console/system"),
        room("/console/operators"),
        room("/console/operators/new"),
        room("/console/operators/new").refused(),
        room(&invited),
        room(&invited).asking(),
        room(format!("{invited}/grants")),
        room(format!("{invited}/grants")).confirmed(),
        room(format!("{invited}/sign-in")),
        room(&waits),
        room(&waits).asking(),
        room("/console/roles"),
        room("/console/roles/sender"),
        room("/console/roles/new?from=sender"),
        room("/console/roles/new").refused(),
        room(&made),
        room(&made).asking(),
        room(format!("{made}/edit")),
        room("/console/audit"),
        room("/console/audit?of=key&q=nothing"),
        room("/console/compose"),
        room("/console/compose").asking(),
        room(format!("{draft}/what")),
        room(format!("{draft}/what")).with_menus_open(),
        room(format!("{open}/what")),
        room(format!("{long}/what")).shortened(),
        room(format!("{draft}/who")).with_menus_open(),
        room(format!("{draft}/proof")),
        room(format!("{draft}/proof/missed")),
        room(format!("{draft}/proof/missed?channel=sms&why=opted_out")),
        room(format!("{draft}/when?people=7")),
        room("/console/settings/words"),
        room("/console/settings/costs"),
        room("/console/held"),
        room(format!("/console/messages/{held}")),
        room("/console/rules"),
        room("/console/rules").looking_back("document.querySelector('[data-move] [value=down]').click()"),
        room(format!("/console/rules/{rule}/change?to=delete")).looking_back(""),
        room(format!("/console/rules/{rule}/edit")).with_menus_open(),
        room(format!("/console/rules/{rule}/edit")).looking_back("document.querySelector('[name=act]').click()"),
        room("/console/rules/import").with_menus_open(),
        room("/console/rules/import").looking_back(
            "document.querySelector('#document').value = '{\"rules\": []}'; document.querySelector('[name=act]').click()",
        ),
        room("/console/rules/new"),
        room("/console/rules/new").refused(),
        room("/console/templates"),
        room("/console/new-template"),
        room("/console/templates/due").with_menus_open(),
        room("/console/templates/due/edit"),
        room("/console/templates/book-due"),
        room("/console/templates/book-due/edit"),
        room(&named).with_menus_open(),
        room(&ordered),
        room(&typed).with_menus_open(),
        room(&typed).found_fault_with(
            "document.querySelector('#id').value = 'x'; document.querySelector('#slots_0_name').value = 'number1'; document.querySelector('[value=preview]').click()",
        ),
        room("/console/rules/versions"),
        room("/console/rules/versions/1"),
        room("/console/rules/versions/1").asking(),
        room("/console/rules/simulator"),
        room("/console/rules/simulator").with_menus_open(),
        room(format!("/console/rules/simulator?message={held}")),
        room("/console/mailbox"),
        room("/console/mailbox/7"),
        room("/console/mailbox/sms"),
        room("/console/mailbox/sms/3"),
        room("/console/mailbox/wecom"),
        room("/console/mailbox/wecom/5"),
        room("/console/mailbox/8").answering(404),
    ]
}
