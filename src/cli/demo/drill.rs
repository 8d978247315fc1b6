//! A fire drill with one key, for whoever looks at the demo on a terminal: pressed, handed to the sandbox, called off.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::time::Duration;

use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;
use serde_json::json;
use tokio::runtime::Handle;

use crate::cli::output::print_line;
use crate::domain::audience::Params;
use crate::domain::emergency::{Language, Run, State};
use crate::service::broadcasts::{self, Pressing, Progress};
use crate::service::{Caller, Services, scenarios};

const CALLER: Caller = Caller::Command("demo");
const SCENARIO: &str = "fire";
/// Far longer than the sandbox takes for everybody, on whatever machine.
const PATIENCE: Duration = Duration::from_mins(5);

/// Enter starts one, as often as it is pressed. Where nobody can press it, nothing is read. Within a runtime.
pub(super) fn on_enter(s: Services, console: String) {
    let runtime = Handle::current();
    // Reading a terminal cannot be called off: this thread ends with the process.
    std::thread::spawn(move || {
        let input = io::stdin();
        // Somebody else's terminal would stop the process that reads it.
        if input.is_terminal() && tcgetpgrp(&input).ok() != Some(getpgrp()) {
            return;
        }
        for line in input.lock().lines() {
            if line.is_err() {
                return;
            }
            let said = runtime.block_on(drill(&s, &console));
            let said = said.unwrap_or_else(|error| format!("no drill: {error}"));
            if print_line(&said).is_err() {
                return;
            }
        }
    });
}

/// The whole of a drill, and how it went.
async fn drill(s: &Services, console: &str) -> anyhow::Result<String> {
    let row = scenarios::get(s, &CALLER, SCENARIO).await?;
    let scenario = &row.document.0;
    let language = Language::of_tag(s.campus.language.as_str());
    let first = |asked: &crate::domain::emergency::Placeholder| {
        asked.choices.first().map(|choice| (asked.name.clone(), json!(choice.of(language))))
    };
    let params: Params = scenario.placeholders.iter().filter_map(first).collect();
    let pressing = Pressing {
        scenario: SCENARIO,
        params: &params,
        run: Run::Drill,
        note: "",
        from: None,
        request_id: "demo",
    };
    let pressed = broadcasts::press(s, &CALLER, &pressing).await?;
    let name = scenario.name.of(language);
    print_line(&format!("\ndrill       {name}, watch it at {console}/emergency/broadcasts/{}", pressed.id))?;
    let began = s.clock.steady();
    let progress = loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let progress = broadcasts::progress(s, &CALLER, pressed.id).await?;
        let took = s.clock.steady().saturating_sub(began);
        if progress.state != State::Live || is_out(&progress) {
            break progress;
        }
        anyhow::ensure!(took < PATIENCE, "it is still going on after {} s", took.as_secs());
    };
    let times = broadcasts::times(s, &CALLER, pressed.id).await?;
    let took = times.all.map_or_else(String::new, |all| format!(" in {:.1} s", all.as_secs_f64()));
    if progress.state == State::Live {
        broadcasts::all_clear(s, &CALLER, None, pressed.id, "demo").await?;
    }
    let by_channel = progress.channels.iter().map(|one| {
        let counts = &one.counts;
        format!("{} {}", one.channel, counts.sent + counts.delivered)
    });
    let by_channel = by_channel.collect::<Vec<_>>().join(", ");
    Ok(format!(
        "            {} people, in the sandbox{took}: {by_channel}. Nobody was written to; the all-clear is given.\n\
         \x20           Enter again for another; for the real thing: {console}/emergency",
        progress.people
    ))
}

/// Nothing of it waits any more.
fn is_out(progress: &Progress) -> bool {
    let waits = progress.channels.iter().map(|one| one.counts.pending + one.counts.sending).sum::<i64>();
    !progress.is_planning && progress.people > 0 && waits == 0
}
