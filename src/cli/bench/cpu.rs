//! What the machine's processors were used for, by who took part: what each would need on a machine of its own.

use std::path::Path;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;

use super::report::Figure;

/// Processor time, where the system tells (Linux: proc(5)).
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    /// Processes that were asked about, since they began.
    nodes: Duration,
    /// This process, since it began.
    here: Duration,
    /// Everything on this machine, since it was started.
    machine: Duration,
}

/// What one piece of work took of them, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cost {
    nodes: f64,
    here: f64,
    /// Whatever else there is: the database and the broker, where these are on this machine and nothing else goes on.
    others: f64,
}

impl Used {
    /// By processes with these ids, which are there.
    pub(super) fn now(nodes: impl IntoIterator<Item = u32>) -> Option<Self> {
        let read = |path: &str| std::fs::read_to_string(Path::new("/proc").join(path)).ok();
        let mut of_nodes = 0;
        for id in nodes {
            of_nodes += of_process(&read(&format!("{id}/stat"))?)?;
        }
        let (here, machine) = (of_process(&read("self/stat")?)?, of_machine(&read("stat")?)?);
        let time = |ticks: u64| Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64);
        Some(Self { nodes: time(of_nodes), here: time(here), machine: time(machine) })
    }

    /// What one of so many pieces took, that were all there was to do since then.
    pub(super) fn each(self, since: Self, pieces: f64) -> Cost {
        let nodes = self.nodes.saturating_sub(since.nodes);
        let here = self.here.saturating_sub(since.here);
        let machine = self.machine.saturating_sub(since.machine);
        let each = |time: Duration| time.as_secs_f64() * 1_000_000.0 / pieces;
        Cost { nodes: each(nodes), here: each(here), others: each(machine.saturating_sub(nodes + here)) }
    }
}

impl Cost {
    pub(super) fn figures(cost: Option<Self>, bench: &'static str) -> [Figure; 3] {
        const UNKNOWN: &str = "this system does not tell";
        let of = |what, value: fn(Self) -> f64| match cost {
            Some(cost) => Figure::new(bench, what, value(cost), "µs"),
            None => Figure::unmeasured(bench, what, "µs", UNKNOWN),
        };
        [
            of("  processors for each: nodes", |cost| cost.nodes),
            of("  processors for each: database, broker", |cost| cost.others),
            of("  processors for each: client, vendors", |cost| cost.here),
        ]
    }
}

/// Ticks for the process that a `stat` file of a folder in `/proc` is about; `utime` and `stime`.
fn of_process(stat: &str) -> Option<u64> {
    // The second field is the program's name in parentheses, whatever it is.
    let (_, after) = stat.rsplit_once(')')?;
    let mut times = after.split_whitespace().skip(11);
    Some(times.next()?.parse::<u64>().ok()? + times.next()?.parse::<u64>().ok()?)
}

/// Ticks of all processors that were not idle; the first line of `/proc/stat`.
fn of_machine(stat: &str) -> Option<u64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = fields.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    match ticks.as_slice() {
        // The rest is what another machine had (steal), or part of what is here.
        [user, nice, system, _idle, _iowait, irq, softirq, ..] => Some(user + nice + system + irq + softirq),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read() {
        let stat = "4711 (bell) tower) S 1 4711 4711 0 -1 4194304 9 0 0 0 250 75 3 4 20 0 9 0 100 200 300\n";
        assert_eq!(of_process(stat), Some(325));
        assert_eq!(of_process("4711"), None);
        let stat = "cpu  100 10 50 9000 70 3 2 500 40 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(of_machine(stat), Some(165));
        assert_eq!(of_machine("intr 1"), None);
    }

    #[test]
    fn what_nobody_here_used_is_the_others() {
        let seconds = Duration::from_secs;
        let before = Used { nodes: seconds(1), here: seconds(2), machine: seconds(100) };
        let after = Used { nodes: seconds(3), here: seconds(3), machine: seconds(110) };
        let cost = after.each(before, 1_000_000.0);
        assert_eq!(cost, Cost { nodes: 2.0, here: 1.0, others: 7.0 });
    }
}
