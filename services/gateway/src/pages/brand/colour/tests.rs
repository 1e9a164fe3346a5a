use super::{Colour, InvalidColour, READABLE};

const WHITE: Colour = Colour(0xff, 0xff, 0xff);
const DARK: Colour = Colour(0x1b, 0x1f, 0x26);

#[test]
fn contrast_is_what_the_guidelines_say() {
    let ratio = |one: &str, other: &str| {
        Colour::parse(one)
            .unwrap()
            .contrast(Colour::parse(other).unwrap())
    };
    for (one, other, expected) in [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.478),
        ("#767676", "#FFFFFF", 4.542),
        ("#0000ff", "#ffffff", 8.592),
    ] {
        assert!(
            (ratio(one, other) - expected).abs() < 0.001,
            "{one} {other}: {}",
            ratio(one, other)
        );
        assert!((ratio(other, one) - expected).abs() < 0.001);
    }
}

#[test]
fn text_on_any_colour_can_be_read() {
    for value in 0..=u8::MAX {
        for colour in [
            Colour(value, value, value),
            Colour(value, 0, 0),
            Colour(0, value, 0xff),
            Colour(0xff, 0x80, value),
        ] {
            assert!(colour.text_on().contrast(colour) >= READABLE, "{colour}");
        }
    }
}

#[test]
fn a_colour_that_cannot_be_read_is_refused_with_its_contrast_and_advice() {
    assert_eq!(
        Colour::readable_on("#767676", WHITE),
        Ok(Colour(0x76, 0x76, 0x76))
    );
    let error = Colour::readable_on("#777777", WHITE)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "#777777 has a contrast of 4.47:1 against the card (#ffffff), and text needs at least 4.5:1; choose a darker tone of it"
    );
    let error = Colour::readable_on("#0b57b0", DARK)
        .unwrap_err()
        .to_string();
    assert!(error.contains("lighter"), "{error}");
    for text in ["red", "#fff", "#12345g", "123456", "#1234567", "#é1234", ""] {
        assert_eq!(
            Colour::readable_on(text, WHITE),
            Err(InvalidColour::NotAColour(text.to_owned()))
        );
    }
}
