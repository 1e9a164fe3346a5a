//! What processes have used, as the kernel counts it: processor time and memory.
//!
//! A server is a process group: whoever started it made it the leader of one, and its children stay in it.
//!
//! **Invariant:** processor time is that of user and kernel on behalf of the servers' own processes, of children that have
//! ended too, and of nobody else.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, ensure};

/// Milliseconds in one tick of `/proc/PID/stat`: 100 ticks a second on every Linux, whatever its timer (USER_HZ, proc(5)).
const TICK_MS: f64 = 10.0;

/// Process groups by name.
pub(crate) type Groups = BTreeMap<String, Vec<u32>>;

/// Milliseconds of processor time by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Spent(BTreeMap<String, f64>);

impl Spent {
    /// What these have spent so far.
    ///
    /// # Errors
    /// When a group has no process (any more).
    pub(crate) fn by(groups: &Groups) -> Result<Self> {
        let mut ticks: BTreeMap<u32, u32> = BTreeMap::new();
        for process in processes()? {
            *ticks.entry(process.group).or_default() += process.ticks;
        }
        let mut spent = BTreeMap::new();
        for (name, leaders) in groups {
            let mut sum = 0.0;
            for leader in leaders {
                let ticks = ticks.get(leader);
                sum += f64::from(*ticks.with_context(|| format!("{name} has ended"))?) * TICK_MS;
            }
            spent.insert(name.clone(), sum);
        }
        Ok(Self(spent))
    }

    /// What was spent since, for each of `count`.
    pub(crate) fn each_since(&self, earlier: &Self, count: f64) -> BTreeMap<String, f64> {
        let before = |name| earlier.0.get(name).copied().unwrap_or_default();
        let all = self.0.iter();
        all.map(|(name, now)| (name.clone(), (now - before(name)) / count))
            .collect()
    }
}

/// Megabytes (2^20 bytes) that a process has resident.
///
/// # Errors
/// When there is no such process.
pub(crate) fn resident_mb(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix("kB"));
    let kilobytes: u32 = kilobytes.context("no VmRSS")?.trim().parse()?;
    Ok(f64::from(kilobytes) / 1024.0)
}

/// A line of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    group: u32,
    ticks: u32,
}

fn processes() -> Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let name = entry.file_name();
        if !name
            .to_string_lossy()
            .bytes()
            .all(|byte| byte.is_ascii_digit())
        {
            continue;
        }
        // One that has ended since is not there any more.
        if let Ok(line) = fs::read_to_string(entry.path().join("stat")) {
            found.push(parse(&line)?);
        }
    }
    ensure!(!found.is_empty(), "there is no /proc");
    Ok(found)
}

fn parse(line: &str) -> Result<Process> {
    // The program's name is in parentheses, and may have any character in it.
    let (_, rest) = line.rsplit_once(')').context("no name")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |place: usize| -> Result<u32> {
        let field = fields.get(place).context("too few fields")?;
        Ok(field.parse()?)
    };
    Ok(Process {
        group: number(2)?,
        // utime, stime, and the same of children that were waited for.
        ticks: number(11)? + number(12)? + number(13)? + number(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_program_is_called() {
        let line = "7 (a) (b c) S 1 42 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 5";
        let read = parse(line).unwrap();
        assert_eq!(
            read,
            Process {
                group: 42,
                ticks: 100
            }
        );
        assert!(parse("7 (a) S 1 42").is_err());
    }

    #[test]
    fn spent_is_a_difference_by_name() {
        let of = |a, b| Spent([("a".to_owned(), a), ("b".to_owned(), b)].into());
        let each = of(130.0, 50.0).each_since(&of(30.0, 50.0), 10.0);
        assert_eq!(each["a"], 10.0);
        assert_eq!(each["b"], 0.0);
    }

    #[test]
    fn this_process_is_measured() {
        let own = std::process::id();
        let group = processes().unwrap();
        assert!(!group.is_empty());
        assert!(resident_mb(own).unwrap() > 0.1);
    }
}
