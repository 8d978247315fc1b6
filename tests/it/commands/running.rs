//! A command that goes on until it is told to stop.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

pub(super) struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Running {
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Types a line. It reads from nobody else then.
    pub(super) fn type_line(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("its input is a pipe");
        writeln!(input, "{line}").unwrap();
    }

    /// The next line on standard output, without its end.
    pub(super) fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).unwrap() > 0, "it ended: {:?}", self.child.wait());
        line.trim_end().to_owned()
    }

    /// Asks it to stop and waits until it has.
    pub(super) fn stop(mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone where the test was content.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
