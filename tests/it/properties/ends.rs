//! Rules are total: whatever they are and whatever comes, each message is sent, held, or goes to nobody with a reason.

use belltower::domain::id::MessageId;
use belltower::domain::message::Status;
use belltower::service::messages::{self, DeliveryQuery};

use super::cases::case;
use super::stage::{Stage, owner};
use crate::support::on_both;
use crate::support::seed::cases;

const CASES: usize = 30;
/// Longer than any message of these lives, its quiet hours and its retries included.
const LONG: u32 = 8 * 24 * 60;

on_both!(every_message_comes_to_an_end, |db| async {
    let mut stage = Stage::new(db.clone()).await;
    let (mut sent, mut refused, mut met) = (0, 0, Vec::new());
    for (_told, case) in cases(CASES, case()) {
        stage.set(&case).await;
        let mut ids = Vec::new();
        for letter in &case.letters {
            let id = stage.send(letter).await;
            *(if id.is_some() { &mut sent } else { &mut refused }) += 1;
            ids.extend(id);
        }
        stage.plan().await;
        for id in &ids {
            met.push(after_planning(&stage, *id).await);
        }
        // Scheduled ones come up meanwhile, and what somebody held is let go.
        stage.drain().await;
        stage.turn(700);
        stage.drain().await;
        stage.release(&ids).await;
        stage.drain().await;
        for _ in 0..2 {
            stage.turn(LONG / 2);
            stage.drain().await;
        }
        for id in &ids {
            at_the_end(&stage, *id).await;
        }
    }
    assert!(refused * 4 < sent, "{refused} messages of {} were refused", refused + sent);
    for status in [Status::Scheduled, Status::Sending, Status::Completed, Status::Held, Status::Unrouted] {
        assert!(met.contains(&status), "no message was {status} after planning");
    }
});

async fn after_planning(stage: &Stage, id: MessageId) -> Status {
    let message = stage.message(id).await;
    let (status, reason) = (message.status, message.reason.clone().unwrap_or_default());
    match status {
        Status::Scheduled => assert!(message.send_at > stage.now().to_jiff()),
        Status::Sending | Status::Completed => {
            assert!(message.counts.all.planned > 0 && reason.is_empty(), "{message:?}");
        }
        Status::Held | Status::Unrouted => {
            assert!(message.counts.all.planned == 0 && !reason.is_empty(), "{message:?}");
            assert!(!reason.contains("planning failed"), "{reason}");
        }
        _ => panic!("it is {status} after planning: {message:?}"),
    }
    status
}

async fn at_the_end(stage: &Stage, id: MessageId) {
    let message = stage.message(id).await;
    let reason = message.reason.clone().unwrap_or_default();
    match message.status {
        Status::Completed => assert!(message.counts.all.planned > 0, "{message:?}"),
        Status::Unrouted => assert!(!reason.is_empty() && !reason.contains("planning failed"), "{reason}"),
        // Nobody looked at it in time.
        Status::Expired => assert_eq!(message.counts.all.planned, 0, "{message:?}"),
        status => panic!("it is {status} at the end: {message:?}"),
    }
    let query = DeliveryQuery { limit: 200, ..DeliveryQuery::default() };
    let deliveries = messages::deliveries(&stage.s, &owner(), id, &query).await.unwrap().items;
    assert_eq!(deliveries.len() as i64, message.counts.all.planned);
    for delivery in deliveries {
        let facts = &delivery.facts;
        assert!(facts.state.is_terminal(), "{facts:?}");
        let is_told = !facts.state.has_missed() || facts.reason.is_some();
        assert!(is_told, "nobody is told why: {facts:?}");
    }
}
