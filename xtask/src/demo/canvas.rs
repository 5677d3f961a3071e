//! A picture in memory: rectangles, lines, small letters, and a PNG at the end.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use font8x8::UnicodeFonts;

use crate::failure::{Failure, Result};

/// Red, green, blue.
pub type Colour = [u8; 3];

/// Pixels, row by row from the top left.
#[derive(Clone, Debug)]
pub struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    /// A picture of one colour.
    pub fn new(width: usize, height: usize, colour: Colour) -> Self {
        Self { width, height, pixels: vec![colour; width * height] }
    }

    /// Sets a pixel; outside of the picture nothing happens.
    pub fn dot(&mut self, x: usize, y: usize, colour: Colour) {
        if x < self.width && y < self.height {
            self.pixels[y * self.width + x] = colour;
        }
    }

    /// Fills a rectangle.
    pub fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, colour: Colour) {
        for row in y..y + height {
            for column in x..x + width {
                self.dot(column, row, colour);
            }
        }
    }

    /// Writes a line of text, its top left corner at (x, y), each letter 8·`scale` pixels wide and
    /// high. What the font lacks becomes a question mark.
    pub fn text(&mut self, x: usize, y: usize, scale: usize, text: &str, colour: Colour) {
        for (place, letter) in text.chars().enumerate() {
            let glyph = font8x8::BASIC_FONTS
                .get(letter)
                .or_else(|| font8x8::BASIC_FONTS.get('?'))
                .unwrap_or_default();
            for (row, bits) in glyph.into_iter().enumerate() {
                for column in (0..8).filter(|column| bits >> column & 1 == 1) {
                    let left = x + (place * 8 + column) * scale;
                    self.fill(left, y + row * scale, scale, scale, colour);
                }
            }
        }
    }

    /// Width in pixels of a text at this scale.
    pub fn text_width(text: &str, scale: usize) -> usize {
        text.chars().count() * 8 * scale
    }

    /// Writes the picture as PNG.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let failed = |error: std::io::Error| Failure::file("write", path, error);
        let file = BufWriter::new(File::create(path).map_err(failed)?);
        let mut encoder = png::Encoder::new(file, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        let failed = |error: png::EncodingError| failed(std::io::Error::other(error));
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(self.pixels.as_flattened()).map_err(failed)?;
        writer.finish().map_err(failed)
    }

    /// The colour of a pixel.
    #[cfg(test)]
    pub fn at(&self, x: usize, y: usize) -> Colour {
        self.pixels[y * self.width + x]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: Colour = [0; 3];
    const WHITE: Colour = [255; 3];

    #[test]
    fn what_reaches_over_the_edge_is_cut_off() {
        let mut canvas = Canvas::new(4, 3, BLACK);
        canvas.fill(2, 1, 10, 10, WHITE);
        canvas.text(3, 2, 1, "over the edge", WHITE);
        assert_eq!([canvas.at(1, 1), canvas.at(2, 0), canvas.at(3, 2)], [BLACK, BLACK, WHITE]);
    }

    #[test]
    fn a_letter_is_drawn_the_right_way_round() {
        let mut canvas = Canvas::new(8, 8, BLACK);
        canvas.text(0, 0, 1, "L", WHITE);
        let lit = |columns: std::ops::Range<usize>| {
            columns
                .flat_map(|x| (0..8).map(move |y| (x, y)))
                .filter(|&(x, y)| canvas.at(x, y) == WHITE)
                .count()
        };
        assert!(lit(0..4) > lit(4..8), "the stem of an L is on the left");
    }

    #[test]
    fn the_file_holds_the_picture() {
        let mut canvas = Canvas::new(5, 2, [1, 2, 3]);
        canvas.dot(4, 1, WHITE);
        let path = std::env::temp_dir().join(format!("krach-canvas-{}.png", std::process::id()));
        canvas.save(&path).unwrap();
        let file = std::io::BufReader::new(File::open(&path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut bytes).unwrap();
        assert_eq!((bytes.len(), &bytes[..3], &bytes[27..]), (30, &[1, 2, 3][..], &[255; 3][..]));
    }
}
