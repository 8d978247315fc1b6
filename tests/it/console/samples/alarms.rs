//! Alarms, and who is told of them.

use belltower::config::Language;
use belltower::console::alarms::wish::{WishForm, WishPage};
use belltower::console::alarms::{AlarmLine, AlarmsPage};
use belltower::console::form::FieldFaults;
use belltower::console::page::{Section, Theme};
use belltower::domain::alarm::{AlarmKind, Matter, ProviderTrouble, Severity, Waits};
use belltower::domain::channel::ChannelKind;
use belltower::domain::emergency::Spoken;
use belltower::domain::id::{AlarmId, BroadcastId, ProviderId};
use belltower::error::Fault;
use belltower::store::JsonText;
use belltower::store::alarms::AlarmRow;

use super::{HOUR, MINUTE, ago, shell, view};

pub(super) fn page(language: Language, theme: Theme, empty: bool) -> AlarmsPage {
    let row = |id: i64, severity, matter: Matter, began: u64, over: Option<u64>| AlarmRow {
        id: AlarmId(id),
        kind: matter.kind(),
        severity,
        matter: JsonText(matter),
        since: ago(began),
        seen_at: ago(MINUTE),
        ended_at: over.map(ago),
        acknowledged_at: (id == 2).then(|| ago(MINUTE)),
        acknowledged_by: (id == 2).then(|| "周敏".to_owned()),
    };
    let relay = Matter::Provider {
        id: ProviderId(1),
        name: "校内邮件 <b>".to_owned(),
        channel: ChannelKind::Email,
        trouble: ProviderTrouble::Failed,
    };
    let help = Matter::Help {
        id: BroadcastId(7),
        name: Spoken::new("火灾 <b> · 图书馆", "Fire <b> · Library"),
        n: 3,
        newest: ago(MINUTE),
        grew_at: ago(MINUTE),
    };
    let waiting = Matter::Waiting { waits: Waits::Review, n: 3, minutes: 120 };
    let disk = Matter::Disk { node: "bell-1:8080".to_owned(), free: 9_400_000_000, total: 100_000_000_000 };
    let line = |row| AlarmLine::new(&view(language), row, |_| true);
    let open = vec![
        row(4, Severity::Act, help, MINUTE, None),
        row(1, Severity::Act, relay, 12 * MINUTE, None),
        row(2, Severity::Look, waiting, 3 * HOUR, None),
    ];
    let past = vec![row(3, Severity::Look, disk, 30 * HOUR, Some(28 * HOUR))];
    AlarmsPage {
        shell: shell(language, theme, Some(Section::Alarms)),
        open: if empty { Vec::new() } else { open.into_iter().map(line).collect() },
        past: if empty { Vec::new() } else { past.into_iter().map(line).collect() },
        newest: None,
        older: (!empty).then(|| "/console/alarms?before=1".to_owned()),
        is_told: Some(empty),
    }
}

pub(super) fn wish(language: Language, theme: Theme) -> WishPage {
    let faults = [Fault::new("/email", "no_way", ""), Fault::new("/campus_id", "required", "")];
    WishPage {
        shell: shell(language, theme, Some(Section::Alarms)),
        address: "zhou@bell.example".into(),
        kinds: AlarmKind::ALL.to_vec(),
        form: WishForm {
            kinds: vec![AlarmKind::Disk, AlarmKind::Provider],
            act_only: true,
            email: false,
            campus_id: "\"><script>".into(),
            channels: vec![ChannelKind::Sms],
        },
        faults: FieldFaults::new(&view(language), &faults),
    }
}
