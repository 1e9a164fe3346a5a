use std::io::Write;

use super::{InvalidLogo, Logo};

const DRAWING: &str = r##"<?xml version="1.0" encoding="UTF-8"?>
<!-- drawn by hand -->
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox='0 0 32 32'>
<title>Fabrikam &amp; Sons</title>
<style>.a { fill: url(#shade); } @media (prefers-color-scheme: dark) { .a { fill: #fff } }</style>
<defs><linearGradient id="shade"><stop offset="0" stop-color="#0b57b0"/></linearGradient></defs>
<path class="a" d="M4 30V10"/><use xlink:href="#shade" style="fill:url('#shade')"/>
<image href="data:image/png;base64,iVBORw0KGgo="/>
</svg>
"##;

fn of(text: &str) -> Result<Logo, InvalidLogo> {
    Logo::of(text.as_bytes().to_vec())
}

#[test]
fn drawings_and_pictures_are_told_by_their_content() {
    assert_eq!(of(DRAWING).unwrap().kind, "image/svg+xml");
    assert_eq!(
        of(include_str!("../../../../templates/assets/icon.svg"))
            .unwrap()
            .kind,
        "image/svg+xml"
    );
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01".to_vec();
    assert_eq!(Logo::of(png).unwrap().kind, "image/png");
    for other in ["", "hello", "<html><svg></svg></html>", "GIF89a", "{}"] {
        assert!(
            matches!(of(other), Err(InvalidLogo::NotAPicture)),
            "{other}"
        );
    }
    assert!(matches!(
        Logo::of(vec![0xff; 10]),
        Err(InvalidLogo::NotAPicture)
    ));
}

#[test]
fn a_file_is_read_up_to_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logo");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(DRAWING.as_bytes()).unwrap();
    assert_eq!(Logo::read(&path).unwrap().content, DRAWING.as_bytes());
    file.write_all(" ".repeat(64 << 10).as_bytes()).unwrap();
    assert!(matches!(Logo::read(&path), Err(InvalidLogo::TooLarge)));
    let missing = Logo::read(&folder.path().join("none")).unwrap_err();
    assert!(missing.to_string().starts_with("failed to read the file"));
}
