//! Presses where somebody else began the same, and what of it waits.

use belltower::domain::button::ButtonTrouble;
use belltower::domain::emergency::Run;
use belltower::service::operators::{self, NewOperator};
use belltower::store::button_presses;

use super::*;
use crate::support::database::with_postgres;
use crate::support::fire::{fire_meeting, press_fire};
use crate::support::on_both;

impl Wall {
    /// Somebody without a word of their own says that the library burns, and would have people meet elsewhere.
    async fn clerk(&self) -> BroadcastId {
        let params = fire_meeting("图书馆", "东门广场");
        let waits =
            press_fire(&self.app.services, &person(Role::Owner, 7), Run::Live, &params).await.unwrap();
        assert_eq!(waits.state, State::PendingApproval);
        waits.id
    }

    async fn broadcast(&self, id: BroadcastId) -> BroadcastRow {
        self.broadcasts().await.into_iter().find(|row| row.id == id).unwrap()
    }

    /// What was armed went out, and nothing of what somebody else began.
    async fn went_out(&self, answer: &Value, clerks: BroadcastId) {
        let rows = self.broadcasts().await;
        let live: Vec<_> = rows.iter().filter(|row| row.state == State::Live).collect();
        assert_eq!((rows.len(), live.len()), (2, 1));
        assert_ne!(live[0].id, clerks);
        assert_eq!(answer, &json!({"broadcast_id": live[0].id.to_string(), "led": "live"}));
        assert_eq!(live[0].pressed_by, "button 图书馆总服务台");
        let chosen: Vec<_> = live[0].plan.0.chosen.iter().map(|(_, choice)| choice.zh.clone()).collect();
        assert_eq!(chosen, ["操场", "图书馆"], "not where the clerk would have people meet");
        let ended = self.broadcast(clerks).await;
        assert_eq!(ended.state, State::Rejected);
        assert!(ended.reason.unwrap().contains(&live[0].id.to_string()), "it says what took its place");
        assert_eq!(self.acts(clerks).await.last(), Some(&Act::Withdraw));
        assert_eq!(self.acts(live[0].id).await, [Act::Press, Act::Launch]);
        self.app.drain().await;
        assert_eq!(self.told("图书馆发生火情"), EVERYBODY);
    }
}

on_both!(what_waits_for_a_second_person_ends_and_what_was_armed_goes_out, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let clerks = wall.clerk().await;
    let answer = wall.signal("press", 1).await.expect(202);
    wall.went_out(&answer, clerks).await;
});

on_both!(what_was_given_back_is_not_handed_in_by_a_button, |db| async {
    let wall = Wall::armed(db, &form()).await;
    let clerks = wall.clerk().await;
    let s = &wall.app.services;
    broadcasts::send_back(s, &person(Role::Reviewer, 8), None, clerks, "集合点不对").await.unwrap();
    assert_eq!(wall.broadcast(clerks).await.state, State::Returned);
    let answer = wall.signal("press", 1).await.expect(202);
    wall.went_out(&answer, clerks).await;
});

on_both!(a_press_that_is_called_off_in_the_last_moment_leaves_all_as_it_was, |db| async {
    let wall = Wall::armed(db.clone(), &ButtonForm { cancel_seconds: Some(5), ..form() }).await;
    let clerks = wall.clerk().await;
    assert_eq!(wall.led("press", 1).await, "accepted");
    wall.turn(5_000);
    let due = button_presses::due(&db, wall.app.clock.now(), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    // Whoever sends what is due has read it, and not sent it yet.
    assert_eq!(wall.led("cancel", 2).await, "accepted");
    let row = buttons::fire(&wall.app.services, &due[0], "图书馆总服务台", "test").await.unwrap();
    assert_eq!((row.broadcast_id, row.cancelled_at), (None, Some(wall.app.clock.now())));
    wall.app.drain().await;
    let rows = wall.broadcasts().await;
    assert_eq!((rows.len(), rows[0].id, rows[0].state), (1, clerks, State::PendingApproval));
    assert_eq!(wall.acts(clerks).await, [Act::Press, Act::Submit]);
    assert!(wall.told("图书馆发生火情").is_empty());
});

impl Wall {
    /// Somebody who may stop broadcasts, and is told of them.
    async fn enrol(&self, email: &str) {
        let new = NewOperator {
            email: email.to_owned(),
            name: email.to_owned(),
            grants: vec![Role::DutyOfficer.into()],
            password: None,
        };
        operators::create(&self.app.services, &TERMINAL, new).await.unwrap().done().unwrap();
    }

    /// An officer says that the library burns, and has people meet elsewhere than the button.
    async fn officers(&self) -> BroadcastId {
        let params = fire_meeting("图书馆", "东门广场");
        let live = press_fire(&self.app.services, &officer(3), Run::Live, &params).await.unwrap();
        assert_eq!(live.state, State::Live);
        live.id
    }

    async fn settle(&self) {
        let background = &self.app.services.background;
        background.close();
        background.wait().await;
        background.reopen();
        self.app.drain().await;
    }
}

/// What a device is answered whose choices are not those of what is being sent.
fn differs(id: BroadcastId) -> Value {
    json!({"broadcast_id": id.to_string(), "led": "accepted", "differs": true})
}

on_both!(a_press_with_other_choices_than_those_being_sent_is_not_live_and_duty_is_told, |db| async {
    let wall = Wall::armed(db, &ButtonForm { power: Some(Power::Battery), ..form() }).await;
    wall.enrol("duty@bell.example").await;
    let officers = wall.officers().await;
    let answer = differs(officers);
    assert_eq!(wall.signal("press", 1).await.expect(202), answer);
    assert_eq!(wall.signal("press", 1).await.expect(202), answer, "the first answer again");
    assert_eq!(wall.signal("press", 2).await.expect(202), answer, "one with the first");
    assert_eq!(wall.signal("press", 2).await.expect(202), answer);
    assert_eq!(wall.led("cancel", 3).await, "refused", "nothing of its own goes out");
    assert_eq!(wall.acts(officers).await, [Act::Press, Act::Launch, Act::Attach]);
    wall.settle().await;
    assert_eq!(wall.told("图书馆发生火情"), EVERYBODY);
    assert_eq!(wall.told("按钮按下的选项与正在发出的不同"), ["duty@bell.example"]);
    assert_eq!(wall.troubles(0).await, [ButtonTrouble::Differs]);
    broadcasts::stop(&wall.app.services, &TERMINAL, None, officers, "").await.unwrap();
    wall.troubles(MINUTE).await;
    assert_eq!(wall.troubles(10 * MINUTE).await, [], "nothing else is being sent any more");
    assert_eq!(wall.led("press", 4).await, "live");
});

on_both!(a_press_with_the_same_choices_as_those_being_sent_is_live, |db| async {
    let wall = Wall::armed(db, &form()).await;
    wall.enrol("duty@bell.example").await;
    let live = press_fire(&wall.app.services, &officer(3), Run::Live, &fire("图书馆")).await.unwrap();
    let answer = json!({"broadcast_id": live.id.to_string(), "led": "live"});
    assert_eq!(wall.signal("press", 1).await.expect(202), answer);
    assert_eq!(wall.signal("cancel", 2).await.expect(202), answer);
    wall.settle().await;
    assert!(wall.told("按钮按下的选项与正在发出的不同").is_empty());
    assert_eq!(wall.troubles(0).await, []);
});

on_both!(that_a_press_differs_is_known_when_it_can_be_called_off_no_more, |db| async {
    let wall = Wall::armed(db, &ButtonForm { cancel_seconds: Some(5), ..form() }).await;
    wall.enrol("duty@bell.example").await;
    let officers = wall.officers().await;
    assert_eq!(wall.signal("press", 1).await.expect(202), json!({"led": "accepted"}));
    wall.settle().await;
    assert!(wall.told("按钮按下的选项与正在发出的不同").is_empty());
    wall.turn(5_000);
    wall.settle().await;
    assert_eq!(wall.broadcasts().await.len(), 1);
    assert_eq!(wall.signal("press", 1).await.expect(202), differs(officers));
    wall.settle().await;
    assert_eq!(wall.told("按钮按下的选项与正在发出的不同"), ["duty@bell.example"]);
    // Held, it is about another place, which is being sent when it is called off too late.
    wall.turn(10_000);
    assert_eq!(wall.led("hold", 2).await, "accepted");
    wall.turn(5_000);
    wall.settle().await;
    let gym = wall.broadcasts().await.into_iter().find(|row| row.id != officers).unwrap().id;
    wall.turn(5_000);
    assert_eq!(wall.signal("press", 3).await.expect(202), json!({"led": "accepted"}));
    wall.turn(5_000);
    wall.settle().await;
    let late = wall.signal("cancel", 4).await.expect(202);
    assert_eq!(late, json!({"broadcast_id": gym.to_string(), "led": "live"}), "the latest of its own");
});

/// Longer than anything takes that is not waited for without end.
const WITHOUT_END: std::time::Duration = std::time::Duration::from_secs(30);

#[test]
fn a_button_is_answered_before_anybody_is_counted() {
    with_postgres(|url| async move {
        let db = Db::open(&url).await.unwrap();
        let wall = Wall::armed(db.clone(), &form()).await;
        // Nobody can read whom it is for until this ends.
        let mut people = db.begin().await.unwrap();
        if let belltower::store::Tx::Postgres(tx) = &mut people {
            let text = "LOCK TABLE recipient IN ACCESS EXCLUSIVE MODE";
            sqlx::query(text).execute(&mut **tx).await.unwrap();
        }
        let answer = tokio::time::timeout(WITHOUT_END, wall.signal("press", 1)).await.expect("it counts");
        assert_eq!(answer.expect(202)["led"], "live");
        drop(people);
        wall.app.drain().await;
        assert_eq!(wall.told("图书馆发生火情"), EVERYBODY);
        db.close().await;
    });
}
