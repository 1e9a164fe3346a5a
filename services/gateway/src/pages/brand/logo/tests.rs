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
fn an_svg_that_does_more_than_be_looked_at_is_refused_with_words() {
    for (inside, word) in [
        ("<script>alert(1)</script>", "<script>"),
        ("<SCRIPT/>", "<script>"),
        ("<svg:script>alert(1)</svg:script>", "<script>"),
        ("<foreignObject><p/></foreignObject>", "<foreignobject>"),
        ("<g onload=\"alert(1)\"/>", "onload"),
        ("<g\nONCLICK = 'alert(1)'/>", "onclick"),
        ("<g ev:onx='1'/>", "onx"),
        ("<image href=\"https://evil.test/x.png\"/>", "href"),
        ("<use xlink:href='//evil.test/x.svg#a'/>", "href"),
        ("<image href='data:image/svg+xml,x'/>", "href"),
        ("<a href=\"javascript:alert(1)\"/>", "href"),
        ("<a href='&#35;'/>", "href"),
        ("<g style=\"fill:url(https://evil.test)\"/>", "url"),
        ("<g fill='URL( \"http://evil.test/#\")'/>", "url"),
        ("<g style='fill:u\\72l(x)'/>", "escape"),
        ("<g fill='&#117;rl(x)'/>", "escape"),
        (
            "<style>@import 'https://evil.test/x.css';</style>",
            "@import",
        ),
        ("<style><![CDATA[a{fill:url(//evil.test)}]]></style>", "url"),
        (
            "<style>a{fill:image-set('//evil.test' 1x)}</style>",
            "image",
        ),
        ("<animate attributeName='href' values='x'/>", "<animate>"),
        ("<set attributeName='onclick' to='x'/>", "<set>"),
        ("<g xml:base='https://evil.test/'/>", "base"),
        ("<text>&evil;</text>", "escape"),
        ("<!DOCTYPE svg [<!ENTITY evil 'x'>]>", "document type"),
        ("<?xml-stylesheet href='x'?>", "processing instruction"),
        ("<g fill=red/>", "quotation"),
        ("<g fill=\"red", "does not end"),
        ("<!-- <g>", "does not end"),
        ("<g ><b", "does not end"),
    ] {
        let error = of(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\">{inside}</svg>"
        ));
        let Err(error @ InvalidLogo::Unsafe(_)) = error else {
            panic!("{inside}: {error:?}");
        };
        assert!(error.to_string().contains(word), "{inside}: {error}");
    }
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
