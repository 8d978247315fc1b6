//! An owner of an account or a corp, as tests have one: what it was told, and how it answers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use url::Url;

use crate::simulator::clock::VendorClock;
use crate::simulator::http::{Answer, Request, Server, Service};

/// Answers each push with the next of these, and `success` when they are used up; gives back what it is asked to echo.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Customer {
    pub(in crate::simulator) answers: Mutex<VecDeque<&'static str>>,
    pub(in crate::simulator) told: Mutex<Vec<Request>>,
}

impl Service for Customer {
    async fn answer(&self, request: Request) -> Answer {
        let echo = request.query.get("echostr").cloned();
        let next = self.answers.lock().unwrap().pop_front().unwrap_or("success");
        self.told.lock().unwrap().push(request);
        match (echo, next) {
            (_, "hang") => Answer::Hang,
            (Some(echo), "success") => other(&echo),
            (_, next) => other(next),
        }
    }
}

fn other(body: &str) -> Answer {
    Answer::Other { status: 200, headers: Vec::new(), body: body.into() }
}

impl Customer {
    pub(in crate::simulator) async fn listening(answers: &[&'static str]) -> (Server, Url, Arc<Self>) {
        let answers = Mutex::new(answers.iter().copied().collect());
        let customer = Arc::new(Self { answers, told: Mutex::default() });
        let server = Server::start("127.0.0.1:0".parse().unwrap(), Arc::clone(&customer)).await.unwrap();
        let url = format!("http://{}/callbacks/x?y=z", server.addr()).parse().unwrap();
        (server, url, customer)
    }

    pub(in crate::simulator) fn told(&self) -> Vec<Request> {
        self.told.lock().unwrap().clone()
    }
}

/// A clock that a test turns.
#[derive(Clone, Debug)]
pub(in crate::simulator) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(in crate::simulator) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_790_000_000_000)))
    }

    pub(in crate::simulator) fn clock(&self) -> VendorClock {
        let now = Arc::clone(&self.0);
        VendorClock(Arc::new(move || now.load(Ordering::SeqCst)))
    }

    pub(in crate::simulator) fn turn(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}
