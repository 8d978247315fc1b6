//! The roll call of a broadcast: what counts of what people answer, its board, and who is told that people need help.

use std::net::{IpAddr, Ipv4Addr};

use belltower::domain::alarm::{AlarmKind, Matter};
use belltower::domain::emergency::{Condition, Said, Texts, Unit};
use belltower::service::broadcasts::{all_clear, approve, stop, update};
use belltower::service::messages::{self, DeliveryQuery};
use belltower::service::operators::{self, NewOperator};
use belltower::service::roll_call::{self, Answer, Board, CountsRow, Wanted};
use belltower::service::{alarms, short_links};
use belltower::store::{broadcasts as sent, roll_answers as store};

use super::*;
use crate::support::on_both;

const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const LI: &str = "li@bell.example";

fn count(asked: i64, safe: i64, help: i64) -> CountsRow {
    CountsRow { asked, safe, help }
}

/// As a reviewer of some departments; of none: everywhere.
fn reviewer(departments: &[&str]) -> Caller {
    let Caller::Operator(mut operator) = person(Role::Reviewer, 7) else { unreachable!() };
    operator.powers = Powers::default();
    let departments = departments.iter().map(|name| (*name).to_owned()).collect();
    operator.powers.add(Role::Reviewer.permissions(), &departments);
    Caller::Operator(operator)
}

impl Campus {
    /// Fire in the library, of which everybody was told.
    async fn on_fire(&mut self) -> BroadcastId {
        let id = self.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap().id;
        self.drain().await;
        id
    }

    /// The end of the link in somebody's mail.
    async fn token(&self, id: BroadcastId, campus_id: &str) -> String {
        let alert = sent::messages(&self.s.db, id).await.unwrap()[0].message_id;
        let query = DeliveryQuery { limit: 100, ..DeliveryQuery::default() };
        let all = messages::deliveries(&self.s, &TERMINAL, alert, &query).await.unwrap().items;
        let theirs = all.iter().find(|one| one.facts.recipient.campus_id.as_deref() == Some(campus_id));
        let path = short_links::roll_call_path(&self.s.vault, theirs.unwrap().facts.id);
        path.strip_prefix("/m/").unwrap().to_owned()
    }

    async fn says(&self, id: BroadcastId, campus_id: &str, condition: Condition) {
        let answer = Answer { condition, place: None, words: None };
        let token = self.token(id, campus_id).await;
        roll_call::answer(&self.s, &token, THERE, &answer).await.unwrap();
    }

    async fn counts(&self, id: BroadcastId) -> CountsRow {
        roll_call::of_broadcast(&self.s, &TERMINAL, id).await.unwrap().unwrap()
    }

    async fn board(&self, caller: &Caller, id: BroadcastId) -> Board {
        roll_call::board(&self.s, caller, id, Unit::College).await.unwrap()
    }

    async fn list(&self, caller: &Caller, id: BroadcastId, condition: Option<Condition>) -> Vec<String> {
        let wanted = Wanted { condition, ..Wanted::default() };
        let rows = roll_call::list(&self.s, caller, id, &wanted, None, 100).await.unwrap();
        rows.into_iter().map(|row| row.person.campus_id).collect()
    }

    async fn in_need(&self, id: BroadcastId) -> Vec<String> {
        let board = self.board(&TERMINAL, id).await;
        board.in_need.unwrap().into_iter().map(|row| row.person.campus_id).collect()
    }

    async fn marks(&self, id: BroadcastId, campus_id: &str, condition: Condition) {
        let person = recipients::get(&self.s, &TERMINAL, campus_id).await.unwrap().id;
        roll_call::mark(&self.s, &TERMINAL, id, person, condition).await.unwrap();
    }

    /// Has the conditions of alarms asked after that time, and what they make known delivered.
    async fn later(&mut self, by: Duration) -> Vec<String> {
        self.turn(by);
        alarms::check(&self.s).await.unwrap();
        self.drain().await;
        let open = alarms::open(&self.s, &TERMINAL).await.unwrap();
        let help = open.iter().filter(|row| row.kind == AlarmKind::Help);
        help.map(|row| row.matter.0.say(self.s.campus.language)).collect()
    }

    /// An operator in the store who asked to be told of those who need help.
    async fn told(&self, name: &str, role: Role) -> Caller {
        let email = format!("{name}@bell.example");
        let new = NewOperator {
            email: email.clone(),
            name: name.to_owned(),
            grants: vec![role.into()],
            password: None,
        };
        let id = operators::create(&self.s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
        let caller = Caller::Operator(OperatorCaller {
            id,
            name: name.to_owned(),
            email,
            roles: vec![role.to_string()],
            powers: role.into(),
            on_duty: role == Role::DutyOfficer,
            language: None,
        });
        let wish = json!({ "kinds": ["help"], "email": true });
        alarms::choose(&self.s, &caller, &wish).await.unwrap();
        caller
    }

    /// Subjects of mails about alarms, the first first.
    fn subjects(&self, to: &str) -> Vec<String> {
        let query = MailQuery { recipient: to.to_owned(), limit: 100, ..MailQuery::default() };
        let mut mails = self.relay.mailbox().list(&query).mails;
        mails.sort_by_key(|mail| mail.sequence);
        let subjects = mails.into_iter().map(|mail| mail.subject);
        subjects.filter(|subject| subject.contains("告警")).collect()
    }
}

on_both!(whoever_has_answered_too_often_to_be_kept_is_heard_all_the_same, |db| async {
    let mut campus = Campus::new(db.clone(), 2).await;
    let id = campus.on_fire().await;
    for _ in 0..100 {
        campus.turn(Duration::from_secs(1));
        campus.says(id, "2023000", Condition::Safe).await;
    }
    campus.turn(Duration::from_secs(1));
    campus.says(id, "2023000", Condition::Help).await;
    assert_eq!(campus.counts(id).await, count(3, 0, 1));
    assert_eq!(campus.in_need(id).await, ["2023000"]);
    let person = recipients::get(&campus.s, &TERMINAL, "2023000").await.unwrap().id;
    let kept = async || store::given(&db, id, person, 200).await.unwrap();
    assert_eq!(kept().await.len(), 100);
    campus.marks(id, "2023000", Condition::Safe).await;
    let all = kept().await;
    assert_eq!(
        (all.len(), all[0].marked_by.is_some()),
        (101, true),
        "what an operator puts down is kept always"
    );
});

on_both!(who_has_waited_longest_comes_first_however_often_they_ask, |db| async {
    let mut campus = Campus::new(db, 3).await;
    let id = campus.on_fire().await;
    for (campus_id, condition) in [
        ("2023001", Condition::Help),
        ("2023000", Condition::Help),
        ("2023001", Condition::Help),
        ("2023002", Condition::Help),
        // Who was safe meanwhile has not waited since.
        ("2023000", Condition::Safe),
        ("2023000", Condition::Help),
    ] {
        campus.turn(MINUTE);
        campus.says(id, campus_id, condition).await;
    }
    assert_eq!(campus.in_need(id).await, ["2023001", "2023002", "2023000"]);
    let board = campus.board(&TERMINAL, id).await.in_need.unwrap();
    let since = board[0].person.help_since.unwrap();
    assert_eq!(board[0].person.answered_at.unwrap().since(since), 2 * MINUTE);
});

on_both!(a_board_is_counted_once_for_all_and_shows_at_once_what_was_put_down_on_it, |db| async {
    let mut campus = Campus::new(db, 3).await;
    let id = campus.on_fire().await;
    assert_eq!(campus.board(&TERMINAL, id).await.counts, count(4, 0, 0));
    campus.says(id, "2023001", Condition::Help).await;
    campus.turn(Duration::from_millis(1_999));
    let board = campus.board(&reviewer(&[]), id).await;
    assert_eq!((board.counts, board.in_need.unwrap().len()), (count(4, 0, 0), 0), "as another saw it");
    campus.turn(Duration::from_millis(1));
    let board = campus.board(&TERMINAL, id).await;
    assert_eq!((board.counts, board.in_need.unwrap().len()), (count(4, 0, 1), 1));
    assert_eq!(board.units.iter().map(|unit| unit.help).sum::<i64>(), 1);
    // In the same moment.
    campus.marks(id, "2023001", Condition::Safe).await;
    let board = campus.board(&TERMINAL, id).await;
    assert_eq!((board.counts, board.in_need.unwrap().len()), (count(4, 1, 0), 0));
    // Whoever sees no names is shown none that another's board has.
    let auditor = campus.board(&person(Role::Auditor, 3), id).await;
    assert_eq!((auditor.counts, auditor.in_need.is_none()), (count(4, 1, 0), true));
});

on_both!(safe_help_and_silent_are_all_who_were_asked_whoever_looks, |db| async {
    let mut campus = Campus::new(db, 0).await;
    for (campus_id, department) in
        [("1", "农学院"), ("2", "农学院"), ("3", "农学院"), ("4", "图书馆"), ("5", "图书馆"), ("6", "校医院")]
    {
        let body = json!({"name": "李想", "email": format!("p{campus_id}@campus.example"),
            "department": department, "attributes": {"class": "一班"}});
        recipients::put(&campus.s, &TERMINAL, campus_id, &body).await.unwrap();
    }
    let id = campus.on_fire().await;
    for (campus_id, condition) in
        [("1", Condition::Safe), ("2", Condition::Help), ("4", Condition::Safe), ("6", Condition::Help)]
    {
        campus.says(id, campus_id, condition).await;
    }
    let cases: [(&[&str], CountsRow); 5] = [
        // With the one who has no address and no department.
        (&[], count(7, 2, 2)),
        (&["农学院"], count(3, 1, 1)),
        (&["农学院", "图书馆"], count(5, 2, 1)),
        (&["校医院"], count(1, 0, 1)),
        (&["体育部"], count(0, 0, 0)),
    ];
    for (departments, counts) in cases {
        let caller = reviewer(departments);
        let mut listed = [0; 3];
        for (n, said) in listed.iter_mut().zip([Some(Condition::Safe), Some(Condition::Help), None]) {
            *n = campus.list(&caller, id, said).await.len() as i64;
        }
        let silent = counts.asked - counts.safe - counts.help;
        assert_eq!(listed, [counts.safe, counts.help, silent], "{departments:?}");
        for unit in Unit::ALL {
            let board = roll_call::board(&campus.s, &caller, id, *unit).await.unwrap();
            assert_eq!(board.counts, counts, "{departments:?}");
            let sum = board.units.iter().fold(CountsRow::default(), |sum, unit| {
                count(sum.asked + unit.asked, sum.safe + unit.safe, sum.help + unit.help)
            });
            assert_eq!(sum, counts, "{departments:?} by {unit}");
            assert_eq!(board.in_need.unwrap().len() as i64, counts.help);
        }
    }
});

on_both!(whoever_asked_is_told_that_people_need_help_and_of_each_who_comes_after, |db| async {
    let mut campus = Campus::new(db, 3).await;
    campus.told("li", Role::DutyOfficer).await;
    campus.told("wang", Role::Sender).await;
    let id = campus.on_fire().await;
    campus.says(id, "2023000", Condition::Safe).await;
    assert!(campus.later(MINUTE).await.is_empty());
    campus.says(id, "2023000", Condition::Help).await;
    assert_eq!(campus.later(MINUTE).await, ["1 人需要帮助：火灾 · 图书馆"]);
    assert_eq!(campus.subjects(LI), ["告警：1 人需要帮助：火灾 · 图书馆"]);
    let mail = campus.relay.mailbox().latest_to(LI).unwrap().text.unwrap();
    assert!(mail.contains(&format!("/console/emergency/broadcasts/{id}/roll")), "{mail}");
    // Another a minute later, and nothing new after that.
    campus.says(id, "2023001", Condition::Help).await;
    assert_eq!(campus.later(MINUTE).await, ["2 人需要帮助：火灾 · 图书馆"]);
    assert_eq!(campus.subjects(LI)[1..], ["告警：2 人需要帮助：火灾 · 图书馆"]);
    for _ in 0..10 {
        campus.later(MINUTE).await;
    }
    assert_eq!(campus.subjects(LI).len(), 2);
    // One is helped while another asks: as many, and not the same.
    campus.marks(id, "2023000", Condition::Safe).await;
    campus.says(id, "2023002", Condition::Help).await;
    campus.later(MINUTE).await;
    assert_eq!(campus.subjects(LI).len(), 3);
    for campus_id in ["2023001", "2023002"] {
        campus.marks(id, campus_id, Condition::Safe).await;
    }
    assert_eq!(campus.later(4 * MINUTE).await.len(), 1, "it may come back");
    assert!(campus.later(2 * MINUTE).await.is_empty());
    assert_eq!(campus.subjects(LI).len(), 4);
    assert!(campus.subjects(LI)[3].starts_with("告警已解除"), "{:?}", campus.subjects(LI));
    assert!(campus.subjects("wang@bell.example").is_empty(), "they see no broadcasts");
});

on_both!(a_call_that_somebody_knows_of_a_drill_and_what_is_long_over_are_no_alarm, |db| async {
    let mut campus = Campus::new(db, 2).await;
    let drill = campus.press(&person(Role::DutyOfficer, 1), Run::Drill).await.unwrap().id;
    let id = campus.on_fire().await;
    campus.says(drill, "2023000", Condition::Help).await;
    campus.marks(id, "2023001", Condition::Help).await;
    assert!(campus.later(MINUTE).await.is_empty());
    campus.says(id, "2023000", Condition::Help).await;
    assert_eq!(campus.later(MINUTE).await, ["2 人需要帮助：火灾 · 图书馆"], "all who need it");
    let open = alarms::open(&campus.s, &person(Role::Sender, 4)).await.unwrap();
    assert!(
        !open.iter().any(|row| matches!(row.matter.0, Matter::Help { .. })),
        "figures are for who sees boards"
    );
    all_clear(&campus.s, &person(Role::DutyOfficer, 1), None, id, "test").await.unwrap();
    assert_eq!(campus.later(23 * HOUR).await.len(), 1, "they may still wait");
    assert!(campus.later(2 * HOUR).await.is_empty());
});

on_both!(the_shared_page_of_an_update_says_that_the_broadcast_was_stopped, |db| async {
    let mut campus = Campus::new(db, 2).await;
    let officer = person(Role::DutyOfficer, 1);
    let id = campus.on_fire().await;
    let said = |title: &str, text: &str| Said {
        title: title.to_owned(),
        body: text.to_owned(),
        sms: text.to_owned(),
        wechat: text.to_owned(),
    };
    let more = Texts {
        zh: said("最新情况：消防已到场", "消防已到现场。"),
        en: said("Update: firefighters on site", "Firefighters are on site."),
    };
    let child = update(&campus.s, &officer, None, id, &more, "", "test").await.unwrap().id;
    let row = campus.row(child).await;
    approve(&campus.s, &person(Role::Reviewer, 2), None, child, row.version, "test").await.unwrap();
    campus.drain().await;
    let message = sent::messages(&campus.s.db, child).await.unwrap()[0].message_id;
    let link = short_links::shared_roll_call(&campus.s, message);
    let (_, token) = link.rsplit_once('/').unwrap();
    let stopped = async || {
        let page = roll_call::open_shared(&campus.s, token, THERE, None).await.unwrap();
        let newest = page.newest.unwrap();
        assert_eq!(&*newest.text.title, "最新情况：消防已到场");
        newest.is_stopped
    };
    assert!(!stopped().await);
    stop(&campus.s, &officer, None, id, "").await.unwrap();
    assert!(stopped().await);
});
