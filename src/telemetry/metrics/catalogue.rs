//! Every metric once: its name and what it says. docs/OPERATIONS.md says what to make of it.

/// A metric by its name, and its help text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    pub help: &'static str,
}

/// Codes of problems that are counted from the start: each is a reason for an alert.
pub const INTERNAL: &str = "internal";
pub const UNAVAILABLE: &str = "unavailable";
pub const RATE_LIMITED: &str = "rate_limited";
pub const QUOTA_EXHAUSTED: &str = "quota_exhausted";

macro_rules! metrics {
    ($($constant:ident $name:literal $help:literal)*) => {
        $(pub const $constant: Metric = Metric { name: concat!("belltower_", $name), help: $help };)*

        /// All of them.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    HTTP_REQUESTS "http_requests_total" "Requests answered, by route pattern, method and class of status."
    HTTP_SECONDS "http_request_seconds" "From a request's head to the head of its answer."
    HTTP_PROBLEMS "http_problems_total" "Requests refused, by the code of the problem."
    CALLS_NOT_KEPT "source_calls_not_kept_total" "Calls of sources that the console cannot show, as the store did not take them."

    MESSAGES_ACCEPTED "messages_accepted_total" "New messages kept; repeated ones count once."
    MESSAGES_REFUSED "messages_refused_total" "Messages not taken, by the code of the problem; those of a batch one by one."
    PUBLICATIONS "publications_total" "Messages that sources published at the broker, by what became of them."
    INTAKE_BATCH "intake_batch_messages" "Messages that shared one transaction when they were kept."
    INTAKE_SECONDS "intake_commit_seconds" "How long one such transaction took, its commit included."

    MESSAGES_PLANNED "messages_planned_total" "Messages whose deliveries this process planned."
    PLANNING_SECONDS "planning_seconds" "How long the planner took for the messages of one claim."

    ATTEMPTS "attempts_total" "Deliveries handed to a provider, by what it answered."
    ATTEMPT_SECONDS "attempt_seconds" "How long a call to a provider took."
    SETTLED "deliveries_settled_total" "Live deliveries that this process brought to a state, test keys' left out."
    RECEIPTS "receipts_total" "What providers said later of live deliveries."
    RECEIPT_SECONDS "receipt_seconds" "From the hand-over of a delivery to what its provider said later of it."
    IN_FLIGHT "deliveries_in_flight" "Deliveries claimed by this process whose outcome is not stored yet."
    DISPATCH_SECONDS "dispatch_commit_seconds" "How long storing outcomes and claiming the next deliveries took."

    PROVIDER_STATE "provider_state" "0 in use, 1 left alone after failures, 2 paused as it asked, 3 its settings cannot be used."
    OPEN "open_deliveries" "Live deliveries not at their end, of the 10,000 messages under way that expire first."
    TODAY "deliveries_today" "Deliveries that reached a state on this campus day, whoever brought them there."
    OLDEST_DUE "oldest_due_seconds" "How long the longest waiting live delivery has been due; 0 if none is."
    OLDEST_UNPLANNED "oldest_unplanned_seconds" "How long the longest waiting live message has been due and is not planned; 0 if none is."
    STUCK "stuck_messages" "Messages of the last week that wait for somebody, by status."
    ALARMS_OPEN "alarms_open" "Alarms that are open, by kind and by whether they ask for a look or an act."
    RECEIPTS_WAITING "receipts_waiting" "Calls of providers nobody looked into yet, and receipts that look for their delivery; 10,000 at most."
    OLDEST_RECEIPT "oldest_receipt_seconds" "For how long the oldest call of a provider has waited to be looked into; 0 if none does."
    EMERGENCY_SECONDS "emergency_seconds" "Of the latest live broadcast and the latest drill: what took how long since it went out."
    QUEUE_WAITING "queue_waiting" "Wake-ups waiting at the broker and in this process; equal ones are merged."
    QUEUE_RECEIVED "queue_received_total" "Wake-ups that came to this process by way of a broker, its own among them."
    QUEUE_CONNECTED "queue_connected" "1 if wake-ups reach every process; 0 while the broker is away and each looks into the store."

    TOLD "subscription_attempts_total" "Events sent to endpoints of sources, by the kind of endpoint and what came of it."
    ENDPOINTS "subscriptions" "Endpoints that sources subscribed with, by kind and whether they are called."
    TO_BE_TOLD "subscription_events_waiting" "Events made out for endpoints and not there yet, by kind; some 200 for each endpoint at most."

    STORE_UP "store_up" "1 if the store answered."
    STORE_WRITE_AGE "store_write_age_seconds" "How long ago this process last wrote to the store that it is there."
    NODES "nodes" "Processes on the store that were heard of within a minute, by role."
    STORE_PING "store_ping_seconds" "How long the store took to answer a question about nothing."
    CONNECTIONS "store_connections" "Connections to the store, by pool: in use, and as many as there may be."
    DISK_FREE "disk_free_bytes" "Free bytes of the disk with this process's data directory."
    DISK_TOTAL "disk_total_bytes" "All bytes of the disk with this process's data directory."
    MEMORY "process_resident_memory_bytes" "Memory of this process."
    BUILD "build_info" "1, with the version and the kind of store."
}
