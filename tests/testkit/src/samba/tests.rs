use super::*;

/// One domain controller for all, for starting one is what takes the time.
#[test]
fn the_domain_controller_answers_as_active_directory_does() {
    let folder = tempfile::tempdir().unwrap();
    let began = std::time::Instant::now();
    let samba = Samba::start(folder.path()).unwrap();
    eprintln!("ready after {:?}", began.elapsed());

    let code = |name: &str, password: &str| match samba.bind(name, password).unwrap() {
        Ok(()) => "bound".to_owned(),
        Err(text) => text.split_once("data ").map_or(text.clone(), |(_, rest)| {
            rest.split(',').next().unwrap().to_owned()
        }),
    };
    let right = |name: &str| code(name, samba.password_of(name));
    assert_eq!(right("jon"), "bound");
    assert_eq!(right("jane"), "bound");
    assert_eq!(code("jon", "wrong"), "52e");
    assert_eq!(right("eve"), "533");
    assert_eq!(right("lee"), "775");
    assert_eq!(right("max"), "773");
    assert_eq!(right("old"), "701");
    assert_eq!(right("pia"), "532");

    let jon = samba.search("(sAMAccountName=jon)", &["*"]).unwrap();
    for line in [
        "givenName: Jon",
        "sn: Snow",
        "mail: jon@fabrikam.test",
        "displayName: Jon Snow",
    ] {
        assert!(jon.contains(line), "{line} in {jon}");
    }
    let outermost = samba
        .search(
            &format!(
                "(member:1.2.840.113556.1.4.1941:={})",
                samba.account("jon").unwrap().dn
            ),
            &["cn"],
        )
        .unwrap();
    for group in ["Staff", "Employees", "Everyone-Fabrikam", "Night Watch"] {
        assert!(
            outermost.contains(&format!("cn: {group}\n")),
            "{group} in {outermost}"
        );
    }

    samba.user_tool(&["user", "disable", "jane"]).unwrap();
    assert_eq!(right("jane"), "533");
}

#[test]
fn nothing_is_left_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let domain = folder.path().canonicalize().unwrap().join("domain");
    let group = {
        let samba = Samba::start(folder.path()).unwrap();
        assert!(!processes_of(&domain).is_empty());
        samba.process.id()
    };
    assert_eq!(
        processes_of(&domain),
        Vec::<String>::new(),
        "of group {group}"
    );
    assert!(!domain.exists());
}

fn processes_of(domain: &Path) -> Vec<String> {
    let wanted = domain.display().to_string();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read(entry.unwrap().path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&wanted))
        .collect()
}
