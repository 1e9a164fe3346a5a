use super::*;

#[test]
fn what_could_bind_anonymously_is_no_password() {
    for hopeless in [
        &b""[..],
        b"\0",
        b"\0\0",
        b"secret\0",
        b"\0secret",
        b" ",
        b" \t\r\n",
        "\u{3000}".as_bytes(),
        b"\xff\xfe",
        &[b'a'; MAX_PASSWORD + 1],
    ] {
        assert!(Password::typed(hopeless).is_none(), "{hopeless:?}");
    }
}

#[test]
fn everything_else_is_one_and_is_kept_as_it_is() {
    for good in [
        "x",
        " with spaces ",
        "пароль",
        "a\nb",
        &"a".repeat(MAX_PASSWORD),
    ] {
        assert_eq!(Password::typed(good.as_bytes()).unwrap().expose(), good);
    }
}

#[test]
fn it_is_not_printed() {
    let password = Password::typed(b"hunter2").unwrap();
    assert_eq!(format!("{password:?}"), "[redacted]");
}
