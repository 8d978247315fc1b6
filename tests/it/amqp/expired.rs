//! Publications whose time at the broker is over before they are taken. The property `expiration` is passed over as any other.

use std::time::Duration;

use belltower::lifecycle::{Ending, Lifecycle};
use serde_json::json;

use super::{Hall, message, serve};
use crate::support::broker::{Broker, until, with_broker};

#[test]
fn what_expires_at_the_broker_is_taken_all_the_same() {
    with_broker(async |broker: &'static Broker| {
        /// More than the broker moves at a time.
        const ALL: usize = 40;
        let hall = Hall::open(broker).await;
        hall.shut().await;
        let expires = |id: &str, after: &str| hall.properties(id).with_expiration(after.into());
        let body = message().to_string();
        for number in 0..ALL {
            let after = if number % 2 == 0 { "0" } else { "100" };
            hall.publish_as(expires(&format!("loan-{number}"), after), "library.due", body.as_bytes()).await;
        }
        let wrong = json!({}).to_string();
        hall.publish_as(expires("wrong", "0"), "library.due", wrong.as_bytes()).await;
        // Nothing of it is lost, and nothing stays where nobody takes it.
        until("it is to come again", async || {
            (hall.looked("intake.again").await.0 as usize == ALL + 1).then_some(())
        })
        .await;

        let next = Lifecycle::new();
        serve(&hall.broker, &hall.app.services, &next);
        hall.until_kept(ALL).await;
        let back = hall.rejected().await;
        assert_eq!((back.code(), &back.headers["x-exchange"]), ("invalid", &hall.name("intake")));
        assert_eq!(back.headers["x-routing-key"], "library.due");
        assert_eq!(back.properties.expiration(), &None);
        hall.until_counted("accepted", ALL as u64).await;
        next.stop();
        assert_eq!(next.wait(Duration::from_mins(1)).await, Ending::Finished);
        hall.until_settled().await;
    });
}
