//! What the system says of a process.

use std::path::Path;

/// Memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    pub resident: u64,
    /// The most that was resident so far.
    pub peak: u64,
}

/// The memory of this process, where the system tells (Linux: proc(5)).
pub fn own_memory() -> Option<Memory> {
    memory(Path::new("/proc/self/status"))
}

/// The memory of the process that a `status` file of proc(5) is about.
pub fn memory(status: &Path) -> Option<Memory> {
    read(&std::fs::read_to_string(status).ok()?)
}

fn read(text: &str) -> Option<Memory> {
    let bytes = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kib * 1024)
    };
    Some(Memory { resident: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let text = "Name:\tbelltower\nVmHWM:\t   24100 kB\nVmRSS:\t   23000 kB\n";
        assert_eq!(read(text), Some(Memory { resident: 23_000 * 1024, peak: 24_100 * 1024 }));
        assert_eq!(read("Name:\tbelltower\n"), None);
    }
}
