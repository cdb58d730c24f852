//! Reads the tables of a flat buffer: the container of ONNX Runtime's own model format.
//!
//! Every place is checked against the buffer, so that a damaged file gives nothing instead of a crash. Fields
//! are asked for by their number in the schema; what is not there is `None` or empty.

/// A table somewhere in the buffer.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn offset(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(number(bytes, at)?)).ok()
}

impl<'a> Table<'a> {
    /// The table that the buffer begins with.
    pub fn root(bytes: &'a [u8]) -> Option<Self> {
        Some(Self {
            bytes,
            at: offset(bytes, 0)?,
        })
    }

    /// Where a field lies.
    fn field(&self, slot: usize) -> Option<usize> {
        let back = i32::from_le_bytes(number(self.bytes, self.at)?);
        let fields = usize::try_from(i64::try_from(self.at).ok()? - i64::from(back)).ok()?;
        let size = usize::from(u16::from_le_bytes(number(self.bytes, fields)?));
        let entry = 4 + 2 * slot;
        if entry + 2 > size {
            return None;
        }
        match u16::from_le_bytes(number(self.bytes, fields + entry)?) {
            0 => None,
            inside => self.at.checked_add(usize::from(inside)),
        }
    }

    /// What a field points to.
    fn target(&self, slot: usize) -> Option<usize> {
        let at = self.field(slot)?;
        at.checked_add(offset(self.bytes, at)?)
    }

    /// Number and place of the elements of a field that is a list.
    fn list(&self, slot: usize) -> Option<(usize, usize)> {
        let at = self.target(slot)?;
        Some((offset(self.bytes, at)?, at.checked_add(4)?))
    }

    pub fn i32(&self, slot: usize) -> Option<i32> {
        number(self.bytes, self.field(slot)?).map(i32::from_le_bytes)
    }

    pub fn i64(&self, slot: usize) -> Option<i64> {
        number(self.bytes, self.field(slot)?).map(i64::from_le_bytes)
    }

    pub fn f32(&self, slot: usize) -> Option<f32> {
        number(self.bytes, self.field(slot)?).map(f32::from_le_bytes)
    }

    /// A number of one byte, such as the kind of a value.
    pub fn byte(&self, slot: usize) -> Option<u8> {
        self.bytes.get(self.field(slot)?).copied()
    }

    pub fn table(&self, slot: usize) -> Option<Self> {
        Some(Self {
            bytes: self.bytes,
            at: self.target(slot)?,
        })
    }

    pub fn bytes(&self, slot: usize) -> Option<&'a [u8]> {
        let (count, at) = self.list(slot)?;
        self.bytes.get(at..at.checked_add(count)?)
    }

    pub fn text(&self, slot: usize) -> Option<&'a str> {
        std::str::from_utf8(self.bytes(slot)?).ok()
    }

    fn elements<T>(&self, slot: usize, size: usize, read: impl Fn(&'a [u8], usize) -> Option<T>) -> Vec<T> {
        let Some((count, at)) = self.list(slot) else {
            return Vec::new();
        };
        // A count that the buffer cannot hold ends the list where the buffer ends.
        (0..count)
            .map_while(|k| read(self.bytes, at.checked_add(k.checked_mul(size)?)?))
            .collect()
    }

    pub fn i64s(&self, slot: usize) -> Vec<i64> {
        self.elements(slot, 8, |bytes, at| number(bytes, at).map(i64::from_le_bytes))
    }

    pub fn f32s(&self, slot: usize) -> Vec<f32> {
        self.elements(slot, 4, |bytes, at| number(bytes, at).map(f32::from_le_bytes))
    }

    pub fn tables(&self, slot: usize) -> Vec<Self> {
        self.elements(slot, 4, |bytes, at| {
            Some(Self {
                bytes,
                at: at.checked_add(offset(bytes, at)?)?,
            })
        })
    }

    pub fn texts(&self, slot: usize) -> Vec<&'a str> {
        self.elements(slot, 4, |bytes, at| {
            let text = at.checked_add(offset(bytes, at)?)?;
            let from = text.checked_add(4)?;
            std::str::from_utf8(bytes.get(from..from.checked_add(offset(bytes, text)?)?)?).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with an i32 (7), a text ("ab") and a missing third field.
    fn buffer() -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(14_u32.to_le_bytes()); // root
        bytes.extend([10, 0, 12, 0, 4, 0, 8, 0, 0, 0]); // fields: size 10, table 12, slots at 4, 8, none
        bytes.extend(10_i32.to_le_bytes()); // the table, at 14; its fields are 10 before
        bytes.extend(7_i32.to_le_bytes());
        bytes.extend(4_u32.to_le_bytes()); // the text, 4 on
        bytes.extend(2_u32.to_le_bytes());
        bytes.extend(*b"ab\0");
        bytes
    }

    #[test]
    fn fields_are_found_and_missing_ones_are_none() {
        let bytes = buffer();
        let table = Table::root(&bytes).expect("a table");
        assert_eq!((table.i32(0), table.text(1)), (Some(7), Some("ab")));
        assert_eq!((table.i64(2), table.text(9)), (None, None));
        assert!(table.tables(2).is_empty());
    }

    #[test]
    fn a_cut_or_changed_buffer_gives_nothing_and_never_crashes() {
        let whole = buffer();
        for length in 0..whole.len() {
            for value in [0, 255] {
                let mut bytes = whole[..length].to_vec();
                if let Some(last) = bytes.last_mut() {
                    *last = value;
                }
                if let Some(table) = Table::root(&bytes) {
                    for slot in 0..4 {
                        let _ = (table.i32(slot), table.text(slot), table.tables(slot).len());
                        let _ = (
                            table.i64s(slot).len(),
                            table.texts(slot).len(),
                            table.f32s(slot).len(),
                        );
                    }
                }
            }
        }
    }
}
