use super::colour::{Colour, READABLE};
use super::{ACCENTS, Brand, CARDS, STYLE};
use crate::settings::Settings;
use crate::testing::settings;

/// The colours of a token, in the light theme and in the dark one.
fn token(style: &str, name: &str) -> [Colour; 2] {
    let start = format!("  --{name}: light-dark(");
    let value = style
        .rsplit_once(&start)
        .unwrap_or_else(|| panic!("{name}"))
        .1;
    let (light, dark) = value.split_once(')').unwrap().0.split_once(", ").unwrap();
    [light, dark].map(|text| Colour::parse(text).unwrap_or_else(|| panic!("{name}: {text}")))
}

fn brand(change: impl FnOnce(&mut Settings)) -> Result<Brand, String> {
    let mut settings = settings();
    change(&mut settings);
    Brand::read(&settings).map_err(|error| error.to_string())
}

fn assert_readable(style: &str) {
    let (text, parts) = (READABLE, 3.0);
    for (front, back, least) in [
        ("text", "card", text),
        ("text", "page", text),
        ("text", "field", text),
        ("text", "notice-page", text),
        ("quiet", "card", text),
        ("quiet", "page", text),
        ("accent", "card", text),
        ("on-accent", "accent", text),
        ("alert", "alert-page", text),
        // WCAG 2.2 success criterion 1.4.11: what shows where a field or button is, or where the focus is.
        ("line", "card", parts),
        ("line", "field", parts),
        ("accent", "page", parts),
        ("accent", "field", parts),
        ("alert", "field", parts),
    ] {
        let themes = token(style, front).into_iter().zip(token(style, back));
        for (theme, (front_colour, back_colour)) in ["light", "dark"].iter().zip(themes) {
            let contrast = front_colour.contrast(back_colour);
            assert!(
                contrast >= least,
                "{front} on {back}, {theme}: {contrast:.2}"
            );
        }
    }
}

#[test]
fn everything_can_be_read_in_both_themes() {
    assert_readable(STYLE);
    assert_eq!(token(STYLE, "card"), CARDS);
    assert_eq!(token(STYLE, "accent"), ACCENTS);
}

#[test]
fn the_stylesheet_comes_with_the_colours_that_are_set() {
    let plain = brand(|_| {}).unwrap();
    assert_eq!(plain.style, STYLE);
    let violet = brand(|settings| settings.colour = "#5B2A86".to_owned()).unwrap();
    assert!(violet.style.starts_with(STYLE));
    assert_eq!(
        token(&violet.style, "accent"),
        [Colour(0x5b, 0x2a, 0x86), ACCENTS[1]]
    );
    assert_readable(&violet.style);
    let both = brand(|settings| {
        settings.colour = "#6b6b6b".to_owned();
        settings.colour_dark = "#ffd800".to_owned();
    })
    .unwrap();
    assert_readable(&both.style);
    assert_eq!(token(&both.style, "on-accent"), [CARDS[0], Colour(0, 0, 0)]);
    let versions = [&plain, &violet, &both].map(|each| each.version.clone());
    assert!(versions[0] != versions[1] && versions[1] != versions[2]);
}

#[test]
fn what_people_could_not_read_is_refused_with_the_setting_it_stands_in() {
    let error = brand(|settings| settings.colour = "#ffd800".to_owned()).unwrap_err();
    assert!(
        error.starts_with("`gateway.colour`: #ffd800 has a contrast of 1.3"),
        "{error}"
    );
    let error = brand(|settings| settings.colour_dark = "#0b57b0".to_owned()).unwrap_err();
    assert!(
        error.starts_with("`gateway.colour_dark`: ") && error.contains("lighter"),
        "{error}"
    );
    let error = brand(|settings| settings.colour = "blue;}".to_owned()).unwrap_err();
    assert!(error.contains("expected a colour like"), "{error}");
}

#[test]
fn a_logo_is_read_at_the_start_and_counts_for_the_version() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("logo.svg");
    let drawing = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    std::fs::write(&file, drawing).unwrap();
    let with_logo = brand(|settings| settings.logo = file.clone()).unwrap();
    assert_eq!(with_logo.logo.unwrap().content, drawing);
    assert_ne!(with_logo.version, brand(|_| {}).unwrap().version);
    std::fs::write(&file, "<html></html>").unwrap();
    let error = brand(|settings| settings.logo = file.clone()).unwrap_err();
    assert!(
        error.contains("logo.svg): the file is neither an SVG nor a PNG"),
        "{error}"
    );
}
