use proptest::prelude::*;

use super::*;

const DAY: i64 = 24 * 60 * 60 * 1_000;
/// Long after everything below was sent.
const NOW: Timestamp = Timestamp(100 * DAY);

fn told(message: i64, topic: &str, channel: ChannelKind, fate: Fate) -> Told {
    Told {
        message: MessageId(message),
        topic: topic.parse().unwrap(),
        category: Category::Announcement,
        department: Some("图书馆".to_owned()),
        channel,
        at: Timestamp(message * DAY / 10),
        fate,
    }
}

/// As many messages from `first` on by mail.
fn mails(first: i64, n: i64, topic: &str, fate: Fate) -> Vec<Told> {
    (first..first + n).map(|message| told(message, topic, ChannelKind::Email, fate)).collect()
}

/// As many that an opt-out kept from WeChat, and that came by mail.
fn kept_from_wechat(first: i64, n: i64, topic: &str, fate: Fate) -> Vec<Told> {
    let mut all = mails(first, n, topic, fate);
    let kept = |one: &Told| Told { channel: ChannelKind::Wechat, fate: Fate::KeptBack, ..one.clone() };
    all.extend(all.iter().map(kept).collect::<Vec<_>>());
    all
}

fn out(channel: Option<ChannelKind>, topic: &str) -> (OptOut, Timestamp) {
    (OptOut { channel, topic: topic.parse().unwrap() }, Timestamp(0))
}

/// What is suggested, in short.
fn short(told: &[Told], kept: &[(OptOut, Timestamp)]) -> Vec<(String, bool, usize, usize)> {
    let say = |one: Suggestion| {
        let channel = one.opt_out.channel.map(|channel| format!(" {channel}")).unwrap_or_default();
        (format!("{}{channel}", one.opt_out.topic), one.out, one.opened, one.of)
    };
    suggest(told, kept, NOW).into_iter().map(say).collect()
}

fn stop(topic: &str, of: usize) -> (String, bool, usize, usize) {
    (topic.to_owned(), true, 0, of)
}

#[test]
fn a_topic_of_which_nothing_is_opened_may_be_switched_off() {
    let read = mails(1, 5, "library.new-books", Fate::Opened);
    let with = |n: i64| [read.clone(), mails(10, n, "logistics.water", Fate::Unopened)].concat();
    assert_eq!(short(&with(9), &[]), [], "too few to say anything");
    assert_eq!(short(&with(10), &[]), [stop("logistics.water", 10)]);
    let found = suggest(&with(12), &[], NOW).remove(0);
    assert_eq!((found.since, found.department.as_deref()), (Timestamp(DAY), Some("图书馆")));
    let opened = [with(12), mails(30, 1, "logistics.water", Fate::Opened)].concat();
    assert_eq!(short(&opened, &[]), [], "one that was opened is enough");
}

#[test]
fn who_opens_nothing_at_all_may_read_in_the_mailbox() {
    let unopened = mails(10, 20, "logistics.water", Fate::Unopened);
    let with = |n: i64, channel| {
        let read = (40..40 + n).map(|id| told(id, "library.due", channel, Fate::Opened));
        read.chain(unopened.clone()).collect::<Vec<_>>()
    };
    assert_eq!(short(&unopened, &[]), []);
    assert_eq!(short(&with(4, ChannelKind::Email), &[]), []);
    assert_eq!(short(&with(5, ChannelKind::Email), &[]), [stop("logistics.water", 20)]);
    assert_eq!(
        short(&with(50, ChannelKind::Wechat), &[]),
        [],
        "what came the same way is opened, or nothing is known"
    );
}

#[test]
fn what_has_just_come_is_not_unopened_yet() {
    let mut all = mails(1, 5, "library.due", Fate::Opened);
    all.extend(mails(10, 10, "logistics.water", Fate::Unopened));
    let last = all.last_mut().unwrap();
    last.at = Timestamp(NOW.0 - 3 * DAY + 1);
    assert_eq!(short(&all, &[]), []);
    all.last_mut().unwrap().at = Timestamp(NOW.0 - 3 * DAY);
    assert_eq!(short(&all, &[]), [stop("logistics.water", 10)]);
}

#[test]
fn nobody_is_asked_to_go_without_what_warns_them() {
    let mut all = mails(1, 5, "library.due", Fate::Opened);
    all.extend(mails(10, 20, "security.fire", Fate::Unopened));
    assert_eq!(short(&all, &[]), [stop("security.fire", 20)]);
    let alert =
        Told { category: Category::Emergency, ..told(50, "security.fire", ChannelKind::Sms, Fate::Unopened) };
    all.push(alert);
    assert_eq!(short(&all, &[]), [], "the topic had an emergency");
    for one in &mut all[5..] {
        one.category = Category::Emergency;
    }
    assert_eq!(short(&all, &[]), []);
}

#[test]
fn what_is_off_already_is_not_switched_off() {
    let mut all = mails(1, 5, "library.due", Fate::Opened);
    all.extend(mails(10, 10, "logistics.water", Fate::Unopened));
    assert_eq!(short(&all, &[out(Some(ChannelKind::Sms), "logistics.#")]), [stop("logistics.water", 10)]);
    for off in [out(None, "logistics.*"), out(Some(ChannelKind::Email), "logistics.water")] {
        assert_eq!(short(&all, std::slice::from_ref(&off)), [], "{off:?}");
    }
}

#[test]
fn an_opt_out_that_keeps_back_what_is_read_elsewhere_may_be_taken_back() {
    let off = [out(Some(ChannelKind::Wechat), "library.#")];
    let mut all = kept_from_wechat(1, 4, "library.due", Fate::Opened);
    assert_eq!(short(&all, &off), [], "too few");
    all.extend(kept_from_wechat(10, 1, "library.new-books", Fate::Unopened));
    assert_eq!(short(&all, &off), [("library.# wechat".to_owned(), false, 4, 5)], "four of five");
    assert_eq!(short(&all, &[]), [], "it was taken back meanwhile");
    assert_eq!(short(&all, &[out(Some(ChannelKind::Sms), "library.#")]), [], "of another channel");
    all.extend(kept_from_wechat(20, 1, "library.new-books", Fate::Unopened));
    assert_eq!(short(&all, &off), [], "four of six");
}

#[test]
fn what_was_refused_altogether_is_not_offered_again() {
    let all = kept_from_wechat(1, 9, "library.due", Fate::Opened);
    assert_eq!(short(&all, &[out(None, "library.due")]), []);
    let both = [out(Some(ChannelKind::Wechat), "library.#"), out(Some(ChannelKind::Wechat), "library.due")];
    assert_eq!(short(&all, &both), [], "the other would keep it back all the same");
    let later = [(both[0].0.clone(), Timestamp(5 * DAY))];
    assert_eq!(short(&all, &later), [], "what came before it says nothing against it");
}

#[test]
fn a_message_is_one_whatever_channels_it_came_by() {
    let mut all = mails(1, 5, "library.due", Fate::Opened);
    for channel in ChannelKind::ALL {
        all.extend((10..15).map(|id| told(id, "logistics.water", channel, Fate::Unopened)));
    }
    assert_eq!(short(&all, &[]), [], "five, and not fifteen");
    all.extend(mails(15, 5, "logistics.water", Fate::Unopened));
    assert_eq!(short(&all, &[]), [stop("logistics.water", 10)]);
    all.push(told(12, "logistics.water", ChannelKind::Wechat, Fate::Opened));
    assert_eq!(short(&all, &[]), [], "read by whatever channel");
}

#[test]
fn what_says_most_comes_first_and_three_are_enough() {
    let mut all = mails(1, 5, "library.due", Fate::Opened);
    for (n, topic) in ["a.one", "b.two", "c.three", "d.four"].into_iter().enumerate() {
        let n = i64::try_from(n).unwrap();
        all.extend(mails(100 * (n + 1), 10 + n % 3, topic, Fate::Unopened));
    }
    assert_eq!(short(&all, &[]), [stop("c.three", 12), stop("b.two", 11), stop("a.one", 10)]);
}

#[test]
fn only_what_came_could_be_opened() {
    let fate = |state, reason| Fate::of(state, reason, false);
    for state in [State::Sent, State::Delivered] {
        assert_eq!(fate(state, None), Some(Fate::Unopened));
    }
    for state in
        [State::Pending, State::Sending, State::Failed, State::Expired, State::Cancelled, State::Unknown]
    {
        assert_eq!(fate(state, None), None, "{state:?}");
    }
    assert_eq!(fate(State::Suppressed, Some("opted_out")), Some(Fate::KeptBack));
    assert_eq!(fate(State::Suppressed, Some("duplicate")), None);
    assert_eq!(Fate::of(State::Unknown, None, true), Some(Fate::Opened), "who opened it has it");
}

/// Anything that a person may have been told.
fn any_told() -> impl Strategy<Value = Vec<Told>> {
    let topic = prop::sample::select(vec!["a.b", "a.c", "b.c"]);
    let channel = prop::sample::select(ChannelKind::ALL.to_vec());
    let fate = prop::sample::select(vec![Fate::Opened, Fate::Unopened, Fate::Unopened, Fate::KeptBack]);
    let told = (0..40_i64, topic, channel, fate).prop_map(|(n, topic, channel, fate)| {
        // A message has one topic and one category.
        let number = match topic {
            "a.b" => n,
            "a.c" => 100 + n,
            _ => 200 + n,
        };
        let category = match number {
            239 => Category::Emergency,
            _ if n % 3 == 0 => Category::ResourceUpdate,
            _ => Category::Announcement,
        };
        Told { category, ..told(number, topic, channel, fate) }
    });
    prop::collection::vec(told, 0..160)
}

fn any_kept() -> impl Strategy<Value = Vec<(OptOut, Timestamp)>> {
    let pattern = prop::sample::select(vec!["a.b", "a.c", "a.#", "b.*", "#"]);
    let channel = prop::option::of(prop::sample::select(ChannelKind::ALL.to_vec()));
    let one = (channel, pattern, 0..10_i64).prop_map(|(channel, pattern, day)| {
        (OptOut { channel, topic: pattern.parse().unwrap() }, Timestamp(day * DAY))
    });
    prop::collection::vec(one, 0..4).prop_map(|all| {
        let mut once = Vec::<(OptOut, Timestamp)>::new();
        for one in all {
            if !once.iter().any(|(known, _)| *known == one.0) {
                once.push(one);
            }
        }
        once
    })
}

proptest! {
    #[test]
    fn suggestions_are_few_well_founded_and_change_something(told in any_told(), kept in any_kept()) {
        let found = suggest(&told, &kept, NOW);
        prop_assert!(found.len() <= MOST);
        for one in &found {
            let fewest = if one.out { FEWEST_UNOPENED } else { FEWEST_KEPT };
            prop_assert!(one.of >= fewest);
            let is_so = if one.out { one.opened == 0 } else { one.opened * 5 >= one.of * 4 };
            prop_assert!(is_so && one.opened <= one.of);
            let is_there = kept.iter().any(|(known, _)| *known == one.opt_out);
            prop_assert_eq!(is_there, !one.out, "what there is is taken back, what there is not is made");
            let after: Vec<_> = if one.out {
                kept.iter().cloned().chain([(one.opt_out.clone(), NOW)]).collect()
            } else {
                kept.iter().filter(|(known, _)| *known != one.opt_out).cloned().collect()
            };
            let again = suggest(&told, &after, NOW);
            prop_assert!(!again.iter().any(|next| next.opt_out == one.opt_out), "who did it is not asked again");
        }
        let ordered = found.windows(2).all(|two| two[0].of >= two[1].of);
        prop_assert!(ordered);
    }

    #[test]
    fn the_order_they_are_told_in_does_not_matter(told in any_told(), kept in any_kept()) {
        let backwards: Vec<_> = told.iter().rev().cloned().collect();
        let other: Vec<_> = kept.iter().rev().cloned().collect();
        prop_assert_eq!(suggest(&told, &kept, NOW), suggest(&backwards, &other, NOW));
    }
}
