//! What a domain controller sends, measured before the LDAP library sees it.
//!
//! The library's parser has no limit of its own: it recurses as deep as the bytes say, waits for as many as a length
//! announces, and keeps every entry that arrives. So each message is checked here first: definite lengths, one level of
//! nesting after the other up to a limit, and an allowance of bytes, messages and elements for each answer.
//!
//! **Invariant:** memory and stack used for an answer are bounded by constants, whatever the server sends; the check
//! neither recurses nor allocates.

#[cfg(test)]
mod tests;

/// Most bytes of one message. A group list of a thousand identifiers has some 30 KB.
pub const MAX_MESSAGE: usize = 512 << 10;
/// Deepest nesting of a message. A search result entry has six levels, its controls no more.
const MAX_DEPTH: usize = 12;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// A message that is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Hostile {
    /// Longer than [`MAX_MESSAGE`].
    #[error("a message of more than {MAX_MESSAGE} bytes")]
    TooLong,
    /// Not a BER message of LDAP (RFC 4511 section 5.1).
    #[error("a message that is not LDAP")]
    Malformed,
    /// Nested deeper than any message of LDAP.
    #[error("a message nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// More than any answer has.
    #[error("an answer beyond its allowance")]
    TooMuch,
    /// The server says goodbye (RFC 4511 section 4.4.1), or speaks unasked.
    #[error("a message nobody asked for")]
    Unasked,
}

/// What an answer may still cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    bytes: usize,
    messages: usize,
    elements: usize,
}

impl Allowance {
    /// Nothing: nothing was asked.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            bytes: 0,
            messages: 0,
            elements: 0,
        }
    }

    /// What the answer to one request may cost.
    #[must_use]
    pub const fn one_answer() -> Self {
        Self {
            bytes: 1 << 20,
            messages: 256,
            elements: 16_384,
        }
    }

    /// Takes `message` off, if it is a whole, harmless message within the allowance.
    ///
    /// # Errors
    /// What is wrong with it; the connection is of no more use then.
    pub fn spend(&mut self, message: &[u8]) -> Result<(), Hostile> {
        let elements = elements_of(message)?;
        if self.messages == 0 {
            return Err(Hostile::Unasked);
        }
        self.bytes = self
            .bytes
            .checked_sub(message.len())
            .ok_or(Hostile::TooMuch)?;
        self.messages = self.messages.checked_sub(1).ok_or(Hostile::TooMuch)?;
        self.elements = self
            .elements
            .checked_sub(elements)
            .ok_or(Hostile::TooMuch)?;
        Ok(())
    }
}

/// The length of the message that begins with these bytes, its head included; `None` while too few have arrived to tell.
///
/// # Errors
/// When no message begins so, or it would be too long.
pub fn message_length(bytes: &[u8]) -> Result<Option<usize>, Hostile> {
    match head(bytes) {
        Ok((SEQUENCE, head, length)) => match head.checked_add(length) {
            Some(whole) if whole <= MAX_MESSAGE => Ok(Some(whole)),
            _ => Err(Hostile::TooLong),
        },
        Ok(_) | Err(Head::Malformed) => Err(Hostile::Malformed),
        Err(Head::Short) => match bytes.first() {
            None | Some(&SEQUENCE) => Ok(None),
            Some(_) => Err(Hostile::Malformed),
        },
    }
}

/// The operation of a whole message (its tag, like 0x78 for an extended response) and what is inside it.
///
/// # Errors
/// When it is no LDAP message.
pub fn operation(message: &[u8]) -> Result<(u8, &[u8]), Hostile> {
    let (SEQUENCE, contents, []) = element(message)? else {
        return Err(Hostile::Malformed);
    };
    let (INTEGER, id, rest) = element(contents)? else {
        return Err(Hostile::Malformed);
    };
    if !(1..=4).contains(&id.len()) {
        return Err(Hostile::Malformed);
    }
    if id.iter().all(|byte| *byte == 0) {
        return Err(Hostile::Unasked);
    }
    let (tag, inside, _controls) = element(rest)?;
    Ok((tag, inside))
}

/// Splits one element off the front: its tag, its contents, and what follows it.
///
/// # Errors
/// When the bytes do not begin with a whole element.
pub fn element(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), Hostile> {
    let (tag, head, length) = head(bytes).map_err(|_| Hostile::Malformed)?;
    let rest = bytes.get(head..).ok_or(Hostile::Malformed)?;
    let (contents, after) = rest.split_at_checked(length).ok_or(Hostile::Malformed)?;
    Ok((tag, contents, after))
}

/// Counts the elements of a whole message, level by level.
fn elements_of(message: &[u8]) -> Result<usize, Hostile> {
    operation(message)?;
    // Where the levels end that the walk is inside of. A fixed array: nothing here grows with the input.
    let mut ends = [0; MAX_DEPTH];
    let mut depth: usize = 0;
    let mut at = 0;
    let mut elements = 0;
    loop {
        while let Some(above) = depth.checked_sub(1)
            && ends.get(above) == Some(&at)
        {
            depth = above;
        }
        if depth == 0 && at == message.len() {
            return Ok(elements);
        }
        let rest = message.get(at..).ok_or(Hostile::Malformed)?;
        let (tag, head, length) = head(rest).map_err(|_| Hostile::Malformed)?;
        let begins = at + head;
        let end = begins.checked_add(length).ok_or(Hostile::Malformed)?;
        let enclosing = depth.checked_sub(1).and_then(|above| ends.get(above));
        if end > *enclosing.unwrap_or(&message.len()) {
            return Err(Hostile::Malformed);
        }
        elements += 1;
        let constructed = tag & 0x20 != 0;
        if constructed {
            *ends.get_mut(depth).ok_or(Hostile::TooDeep)? = end;
            depth += 1;
            at = begins;
        } else {
            at = end;
        }
    }
}

enum Head {
    Short,
    Malformed,
}

/// Reads a tag and a definite length: the tag, the bytes both take, and the length. Active Directory writes lengths in
/// four bytes where one would do, which BER allows.
fn head(bytes: &[u8]) -> Result<(u8, usize, usize), Head> {
    let (&tag, rest) = bytes.split_first().ok_or(Head::Short)?;
    if tag & 0x1f == 0x1f {
        return Err(Head::Malformed);
    }
    let (&first, rest) = rest.split_first().ok_or(Head::Short)?;
    if first < 0x80 {
        return Ok((tag, 2, first.into()));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        // The indefinite form, or a length no message has.
        return Err(Head::Malformed);
    }
    let digits = rest.get(..count).ok_or(Head::Short)?;
    let length = digits
        .iter()
        .fold(0, |length, byte| length << 8 | usize::from(*byte));
    Ok((tag, 2 + count, length))
}
