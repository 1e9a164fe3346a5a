use super::*;

const SHORT: Duration = Duration::from_secs(10);

fn alive(id: u32) -> bool {
    // A zombie is not alive.
    fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_failed_start_says_what_the_log_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Program::new("sh")
        .args(["-c", "echo cannot open the door >&2; exit 3"])
        .log(folder.path().join("log"))
        .start()
        .unwrap();
    let error = process
        .wait_until(SHORT, "an answer", || Ok(None::<()>))
        .unwrap_err();
    let text = format!("{error:#}");
    assert!(
        text.contains("cannot open the door") && text.contains("exit status: 3"),
        "{text}"
    );
    assert!(Program::new("/no/such/program").start().is_err());
}

#[test]
fn signals_reach_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("child");
    let mut process = Program::new("sh")
        .args(["-c", "sleep 600 & echo $! > \"$OUT\"; wait"])
        .env("OUT", &file)
        .start()
        .unwrap();
    let child: u32 = process
        .wait_for_file(&file, SHORT)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    process.signal(Signal::Stop).unwrap();
    wait_for(SHORT, "the child to stop", || {
        let stat = fs::read_to_string(format!("/proc/{child}/stat"))?;
        Ok(stat.contains(") T ").then_some(()))
    })
    .unwrap();
    process.signal(Signal::Continue).unwrap();
    let status = process.stop(SHORT).unwrap();
    assert_eq!(status.signal(), Some(15));
    wait_for(SHORT, "the child to end", || {
        Ok((!alive(child)).then_some(()))
    })
    .unwrap();
    assert!(process.signal(Signal::Term).is_err());
}

#[test]
fn dropping_ends_it() {
    let process = Program::new("sleep").arg("600").start().unwrap();
    let id = process.id();
    assert!(alive(id));
    drop(process);
    assert!(!alive(id));
}

/// Set for the process that the next test kills.
const PARENT: &str = "TESTKIT_PARENT_WRITES_TO";

#[test]
fn it_ends_with_a_parent_that_is_killed() {
    if let Some(file) = std::env::var_os(PARENT) {
        let process = Program::new("sleep").arg("600").start().unwrap();
        fs::write(file, process.id().to_string()).unwrap();
        std::thread::sleep(Duration::from_secs(600));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("child");
    let mut parent = Program::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "processes::tests::it_ends_with_a_parent_that_is_killed",
        ])
        .env(PARENT, &file)
        .log(folder.path().join("log"))
        .start()
        .unwrap();
    let child: u32 = parent
        .wait_for_file(&file, SHORT)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!(alive(child));
    parent.kill().unwrap();
    wait_for(SHORT, "the orphan to end", || {
        Ok((!alive(child)).then_some(()))
    })
    .unwrap();
}
