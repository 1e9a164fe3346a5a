use super::super::CARDS;
use super::{BLACK, Colour, InvalidColour, READABLE, WHITE};

const DARK: Colour = CARDS[1];

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

/// `color-mix(in oklab, one 88%, other)`, as a button is drawn while the pointer is over it (CSS Color 4 section 12.2, the
/// matrices of its section 10).
fn mixed(one: Colour, other: Colour) -> Colour {
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        match value <= 0.040_45 {
            true => value / 12.92,
            false => ((value + 0.055) / 1.055).powf(2.4),
        }
    };
    // Mixing in Oklab is mixing the cube roots of the cones' answers: what makes Oklab of them is linear.
    let cones = |Colour(red, green, blue): Colour| {
        let [red, green, blue] = [red, green, blue].map(linear);
        [
            0.412_221_470_8 * red + 0.536_332_536_3 * green + 0.051_445_992_9 * blue,
            0.211_903_498_2 * red + 0.680_699_545_1 * green + 0.107_396_956_6 * blue,
            0.088_302_461_9 * red + 0.281_718_837_6 * green + 0.629_978_700_5 * blue,
        ]
        .map(f64::cbrt)
    };
    let (one, other) = (cones(one), cones(other));
    let [long, medium, short] =
        [0, 1, 2].map(|cone| (0.88 * one[cone] + 0.12 * other[cone]).powi(3));
    let encoded = |value: f64| {
        let value = match value <= 0.003_130_8 {
            true => value * 12.92,
            false => 1.055 * value.powf(1.0 / 2.4) - 0.055,
        };
        (0..=u8::MAX)
            .min_by(|one, other| {
                let away = |each: u8| (f64::from(each) / 255.0 - value).abs();
                away(*one).total_cmp(&away(*other))
            })
            .unwrap()
    };
    Colour(
        encoded(4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short),
        encoded(-1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short),
        encoded(-0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701_0 * short),
    )
}

#[test]
fn a_button_of_an_accepted_colour_can_be_read_under_the_pointer_too() {
    let grey = Colour(0x76, 0x76, 0x76);
    assert_eq!(grey.text_on(), WHITE);
    assert_eq!(mixed(WHITE, BLACK).0, 0xd7, "as browsers draw it");
    let steps: Vec<u8> = (0..=u8::MAX).step_by(15).collect();
    let mut accepted = [0, 0];
    let all = steps.iter().flat_map(|red| {
        let steps = &steps;
        steps
            .iter()
            .flat_map(move |green| steps.iter().map(move |blue| Colour(*red, *green, *blue)))
    });
    for colour in all.chain([grey]) {
        for (theme, over) in [BLACK, WHITE].into_iter().enumerate() {
            if colour.contrast(CARDS[theme]) >= READABLE {
                accepted[theme] += 1;
                let contrast = colour.text_on().contrast(mixed(colour, over));
                assert!(contrast >= READABLE, "{colour} in {theme}: {contrast:.2}");
            }
        }
    }
    assert!(accepted.into_iter().all(|count| count > 1000));
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
