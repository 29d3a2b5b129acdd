//! The command line. Pure: opens no folder and no socket.

use std::fmt::{self, Display};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{CommandFactory, Parser, error::ErrorKind};
use mllp_host::Receiver;

const EXAMPLES: &str = "\
Examples:
  mllp-sandbox --allow 10.0.0.5:2575 --read-only . -- 10.0.0.5:2575 a.hl7
  mllp-sandbox --allow lab.example:2575 -- --loose lab.example:2575 < a.txt
  mllp-sandbox --allow 10.0.0.5:2575 --read-only . --instances 4 -- 10.0.0.5:2575 -- *.hl7

Exit status: that of mllp-send, 0 or 1; with --instances, 1 if one of them ended so;
2 if the sandbox could not run it, or stopped it.";

/// Runs mllp-send.wasm with exactly these receivers and folders, and nothing else.
///
/// It sees no other address, name or folder, of the environment the variables
/// that begin with MLLP_, and the standard streams.
#[derive(Debug, Parser)]
#[command(name = "mllp-sandbox", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A receiver that may be connected to; may be repeated
    ///
    /// By a name it is the addresses that the name has when mllp-send looks it up, at
    /// this port alone.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) allow: Vec<Receiver>,

    /// A folder that may be read and written; may be repeated
    ///
    /// After `::` the name under which mllp-send finds it; without, the same.
    #[arg(long, value_name = "FOLDER[::NAME]")]
    pub(crate) dir: Vec<Folder>,

    /// A folder that may be read; may be repeated
    #[arg(long, value_name = "FOLDER[::NAME]")]
    pub(crate) read_only: Vec<Folder>,

    /// Send so many files at once; what stands after a second `--` are the files
    ///
    /// The files are dealt round. Each instance sends its own in the order given, each
    /// over its own connection. Lines of their output may alternate; none is torn.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) instances: u16,

    /// How much memory each instance may have, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4000))]
    pub(crate) memory: u16,

    /// How long all of it may take, as 30s or 2h; without, as long as it does
    #[arg(long, value_name = "DURATION")]
    pub(crate) time: Option<humantime::Duration>,

    /// The command to run
    ///
    /// Without, mllp-send.wasm next to mllp-sandbox, or else in target/components.
    #[arg(long, value_name = "FILE")]
    pub(crate) component: Option<PathBuf>,

    /// Keep the compiled command in this folder, for a faster start
    ///
    /// Only where nobody else can write to it.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) compiled: Option<PathBuf>,

    /// What mllp-send is told
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

/// A folder, and the name under which the guest finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
}

impl FromStr for Folder {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, name) = text.rsplit_once("::").unwrap_or((text, text));
        Ok(Self {
            path: path.into(),
            name: name.to_owned(),
        })
    }
}

/// What is the matter with the command line.
#[derive(Debug, PartialEq, Eq)]
enum Objection {
    NoFiles,
    OneJournal,
}

impl Display for Objection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NoFiles => {
                "--instances needs files, after a second --: \
                 mllp-sandbox ... --instances 4 -- HOST:PORT -- FILE..."
            }
            Self::OneJournal => "a journal is for one sender at a time: leave --instances out",
        })
    }
}

impl Args {
    /// Reads the command line, or ends the process with what is wrong with it.
    pub(crate) fn read() -> Self {
        let args = Self::parse();
        let has_journal = std::env::var_os("MLLP_JOURNAL").is_some();
        if let Some(objection) = args.objection(has_journal) {
            let error = Self::command().error(ErrorKind::ValueValidation, objection);
            error.exit();
        }
        args
    }

    fn objection(&self, has_journal: bool) -> Option<Objection> {
        if self.instances == 1 {
            return None;
        }
        let (common, files) = self.split();
        let is_journal =
            |argument: &String| argument == "--journal" || argument.starts_with("--journal=");
        if has_journal || common.iter().any(is_journal) {
            return Some(Objection::OneJournal);
        }
        files.is_empty().then_some(Objection::NoFiles)
    }

    fn split(&self) -> (&[String], &[String]) {
        let at = self.arguments.iter().position(|argument| argument == "--");
        match at.and_then(|at| self.arguments.split_at_checked(at)) {
            Some((common, files)) => (common, files.get(1..).unwrap_or_default()),
            None => (&self.arguments, &[]),
        }
    }

    /// What each instance is told.
    pub(crate) fn lines(&self) -> Vec<Vec<String>> {
        if self.instances == 1 {
            return vec![self.arguments.clone()];
        }
        let (common, files) = self.split();
        let count = usize::from(self.instances).min(files.len());
        let mut lines = vec![[common, &["--".to_owned()]].concat(); count];
        for (file, at) in files.iter().zip((0..count).cycle()) {
            lines[at].push(file.clone());
        }
        lines
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        let words = format!("mllp-sandbox {line}");
        Args::try_parse_from(words.split_whitespace()).unwrap()
    }

    #[test]
    fn one_instance_is_told_what_the_caller_said() {
        let told = args("-- --loose h:1 -- a b").lines();
        assert_eq!(told, [["--loose", "h:1", "--", "a", "b"]]);
    }

    #[test]
    fn files_are_dealt_round_in_their_order() {
        let told = args("--instances 2 -- h:1 --json -- a b c d e").lines();
        assert_eq!(told[0], ["h:1", "--json", "--", "a", "c", "e"]);
        assert_eq!(told[1], ["h:1", "--json", "--", "b", "d"]);
    }

    #[test]
    fn there_are_no_more_instances_than_files() {
        assert_eq!(args("--instances 9 -- h:1 -- a b").lines().len(), 2);
    }

    #[test]
    fn several_instances_need_files_and_share_no_journal() {
        let objection = |line: &str| args(line).objection(false);
        assert_eq!(
            objection("--instances 2 -- h:1 a b"),
            Some(Objection::NoFiles)
        );
        assert_eq!(
            objection("--instances 2 -- h:1 --"),
            Some(Objection::NoFiles)
        );
        for journal in ["--journal j", "--journal=j"] {
            let line = format!("--instances 2 -- {journal} h:1 -- a b");
            assert_eq!(objection(&line), Some(Objection::OneJournal));
        }
        let line = "--instances 2 -- h:1 -- a b";
        assert_eq!(args(line).objection(true), Some(Objection::OneJournal));
        assert_eq!(args(line).objection(false), None);
        assert_eq!(objection("-- --journal j h:1 a"), None);
    }

    #[test]
    fn a_folder_may_have_another_name_inside() {
        let folder = |text: &str| text.parse::<Folder>().unwrap();
        assert_eq!(folder("in").name, "in");
        assert_eq!(folder("/var/in::.").name, ".");
        assert_eq!(folder("/var/in::.").path, PathBuf::from("/var/in"));
    }
}
