//! Poster pictures of the demo's films: abstract art in the colours of the genre, drawn from the title alone, so that
//! the same film always gets the same picture.

use super::Maker;
use crate::commands;
use crate::wiring::Services;
use actix_web::web;
use data::{Query, WriteOptions};
use files::{Condition, FilePath, Put};
use serde_json::{Map, Value};
use std::f32::consts::{PI, TAU};
use std::time::Duration;

/// Width and height of a poster in pixels.
const SIZE: (u32, u32) = (240, 360);

/// Films whose posters are made together.
const MISSING: &str =
    "filter=poster%20==%20null&sort=-imdb_votes&fields=id,title,genre&expand=genre&limit=30";
/// The pause after each poster: whoever tries the demo comes first.
const PAUSE: Duration = Duration::from_millis(5);

type Colour = [f32; 3];

/// Gives every film of the shop that has none its poster, the best known first. What a stop interrupts the next start
/// goes on with.
pub async fn hang(services: Services) {
    let hung = async {
        let maker = Maker::of(&services, "shop").await?;
        while hang_some(&maker).await? {}
        Ok::<_, String>(())
    };
    if let Err(error) = hung.await {
        tracing::warn!(error, "the demo's posters are not complete");
    }
}

/// One page of films. False when all have their posters.
async fn hang_some(maker: &Maker) -> Result<bool, String> {
    let query = Query::parse_list(MISSING).map_err(|e| commands::sentence(&e))?;
    let (data, project) = (&maker.services.data, &maker.project);
    let page = data.list(project, &maker.asker, "products", &query).await;
    let page = page.map_err(|e| commands::sentence(&e.into()))?;
    for doc in &page.docs {
        let film: Value = serde_json::from_str(&doc.json).map_err(|e| e.to_string())?;
        hang_one(maker, &film).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(!page.docs.is_empty())
}

async fn hang_one(maker: &Maker, film: &Value) -> Result<(), String> {
    let text = |pointer: &str| {
        let text = film.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let (id, title, genre) = (text("/id"), text("/title"), text("/expand/genre/name"));
    let drawn = web::block(move || png(&title, &genre)).await;
    let bytes = web::Bytes::from(drawn.map_err(|e| e.to_string())??);
    let put = Put {
        bucket: "posters".to_owned(),
        path: FilePath::parse(&format!("{id}.png")).map_err(|e| commands::sentence(&e))?,
        length: Some(bytes.len() as u64),
        declared: None,
        condition: Condition::default(),
    };
    let (files, project) = (&maker.services.files, &maker.project);
    let body = futures_util::stream::once(async move { Ok(bytes) });
    let put = files
        .put(project, &maker.files_asker(), put, Box::pin(body))
        .await;
    let (_, file) = put.map_err(|e| commands::sentence(&e.into()))?;
    let change = Map::from_iter([("poster".to_owned(), file.id.to_string().into())]);
    let (data, options) = (&maker.services.data, WriteOptions::default());
    let merged = data.merge(project, &maker.asker, "products", &id, change, options);
    merged
        .await
        .map(|_| ())
        .map_err(|e| commands::sentence(&e.into()))
}

/// A poster as PNG (RFC 2083), about 10 KB.
pub fn png(title: &str, genre: &str) -> Result<Vec<u8>, String> {
    let (width, height) = SIZE;
    let mut pixels = Vec::with_capacity((width * height * 3) as usize);
    let art = Art::of(title, genre);
    for y in 0..height {
        for x in 0..width {
            let colour = art.at(x as f32 + 0.5, y as f32 + 0.5);
            pixels.extend(colour.map(|c| (c.clamp(0.0, 1.0) * 255.0).round() as u8));
        }
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header().map_err(|e| e.to_string())?;
    writer
        .write_image_data(&pixels)
        .map_err(|e| e.to_string())?;
    writer.finish().map_err(|e| e.to_string())?;
    Ok(out)
}

/// Numbers that look random and follow from a text (FNV-1a, then SplitMix64).
struct Dice(u64);

impl Dice {
    fn of(text: &str) -> Self {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// From 0 to `sides` - 1.
    fn of_sides(&mut self, sides: u64) -> u64 {
        self.roll() % sides
    }

    /// Between two numbers.
    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.roll() >> 40) as f32 / (1 << 24) as f32
    }
}

/// One shape: where it is, by its signed distance in pixels, and its colour.
struct Shape {
    form: Form,
    colour: Colour,
    /// From 0, unseen, to 1.
    strength: f32,
}

enum Form {
    Disc {
        x: f32,
        y: f32,
        radius: f32,
    },
    Ring {
        x: f32,
        y: f32,
        radius: f32,
        half: f32,
    },
    /// All below a wave.
    Hill {
        base: f32,
        height: f32,
        length: f32,
        phase: f32,
    },
    /// Parallel bands across the picture.
    Bands {
        angle: f32,
        period: f32,
        share: f32,
        phase: f32,
    },
    /// Rays from a point.
    Rays {
        x: f32,
        y: f32,
        count: f32,
        turn: f32,
    },
    /// Dots on a grid that shrink along the height.
    Dots {
        step: f32,
        largest: f32,
    },
    /// One side of a straight line.
    Side {
        x: f32,
        y: f32,
        angle: f32,
    },
    Box {
        x: f32,
        y: f32,
        half_x: f32,
        half_y: f32,
    },
}

impl Form {
    /// Below zero inside.
    fn distance(&self, px: f32, py: f32) -> f32 {
        match *self {
            Self::Disc { x, y, radius } => (px - x).hypot(py - y) - radius,
            Self::Ring { x, y, radius, half } => ((px - x).hypot(py - y) - radius).abs() - half,
            Self::Hill {
                base,
                height,
                length,
                phase,
            } => base - height * (px / length + phase).sin() - py,
            Self::Bands {
                angle,
                period,
                share,
                phase,
            } => {
                let along = px * angle.cos() + py * angle.sin() + phase;
                let within = (along / period).rem_euclid(1.0);
                ((within - 0.5).abs() - share / 2.0) * period
            }
            Self::Rays { x, y, count, turn } => {
                let (dx, dy) = (px - x, py - y);
                let part = ((dy.atan2(dx) + turn) * count / TAU).rem_euclid(1.0);
                ((part - 0.5).abs() - 0.25) * TAU / count * dx.hypot(dy)
            }
            Self::Dots { step, largest } => {
                let row = (py / step).floor();
                let shift = if row.rem_euclid(2.0) < 1.0 {
                    0.0
                } else {
                    step / 2.0
                };
                let (cx, cy) = (
                    ((px - shift) / step).floor() * step + step / 2.0 + shift,
                    row * step + step / 2.0,
                );
                let radius = largest * (1.0 - (cy / SIZE.1 as f32 - 0.5).abs() * 1.6).max(0.0);
                (px - cx).hypot(py - cy) - radius
            }
            Self::Side { x, y, angle } => (px - x) * angle.cos() + (py - y) * angle.sin(),
            Self::Box {
                x,
                y,
                half_x,
                half_y,
            } => ((px - x).abs() - half_x).max((py - y).abs() - half_y),
        }
    }
}

struct Art {
    ground: [Colour; 2],
    shapes: Vec<Shape>,
}

impl Art {
    fn of(title: &str, genre: &str) -> Self {
        let mut dice = Dice::of(title);
        let palettes = palettes(genre);
        let palette = palettes[dice.of_sides(palettes.len() as u64) as usize].map(rgb);
        let shapes = compose(&mut dice, &palette);
        let [ground, ..] = palette;
        Self {
            ground: [ground, mix(ground, [0.0; 3], 0.28)],
            shapes,
        }
    }

    fn at(&self, x: f32, y: f32) -> Colour {
        let mut colour = mix(self.ground[0], self.ground[1], y / SIZE.1 as f32);
        for shape in &self.shapes {
            // A pixel at an edge gets its share of both sides.
            let cover = (0.5 - shape.form.distance(x, y)).clamp(0.0, 1.0) * shape.strength;
            if cover > 0.0 {
                colour = mix(colour, shape.colour, cover);
            }
        }
        colour
    }
}

fn mix(a: Colour, b: Colour, share: f32) -> Colour {
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * share)
}

fn rgb(hex: u32) -> Colour {
    [16, 8, 0].map(|shift| ((hex >> shift) & 0xff) as f32 / 255.0)
}

/// Ground and three more colours, by the mood of the genre.
fn palettes(genre: &str) -> &'static [[u32; 4]] {
    match genre {
        "Action" | "Adventure" => &[
            [0x1b1b2f, 0xe43f5a, 0xf9b208, 0xf5f1e3],
            [0xc8102e, 0x101820, 0xf2aa4c, 0xfff6e0],
            [0x0b3954, 0xff6663, 0xe0ff4f, 0xbfd7ea],
        ],
        "Comedy" | "Romantic Comedy" => &[
            [0xffd166, 0xef476f, 0x118ab2, 0xfdfcdc],
            [0xf7f3e3, 0xff6b6b, 0x4ecdc4, 0x292f36],
            [0xff9f1c, 0x2ec4b6, 0xffffff, 0xe71d36],
        ],
        "Horror" | "Thriller/Suspense" => &[
            [0x0d0d0d, 0xb80c09, 0x6b7a8f, 0xe8e6e3],
            [0x1a1423, 0x684756, 0xd81e5b, 0xc6d8d3],
            [0x0b0c10, 0x45a29e, 0x66fcf1, 0xc5c6c7],
        ],
        "Drama" => &[
            [0x2d3142, 0xef8354, 0xbfc0c0, 0x4f5d75],
            [0xe6dfd3, 0x8d5a4a, 0x2f3e46, 0xcad2c5],
            [0x22333b, 0xc6ac8f, 0xeae0d5, 0x5e503f],
        ],
        "Documentary" | "Concert/Performance" => &[
            [0xf4f1de, 0xe07a5f, 0x3d405b, 0x81b29a],
            [0x283618, 0xdda15e, 0xfefae0, 0xbc6c25],
        ],
        "Western" => &[
            [0xe9c46a, 0xe76f51, 0x264653, 0xf4a261],
            [0x7f4f24, 0xddb892, 0xede0d4, 0xb08968],
        ],
        "Musical" | "Black Comedy" => &[
            [0x3c096c, 0xff6d00, 0xff9e00, 0xe0aaff],
            [0x5f0f40, 0xfb8b24, 0xe36414, 0x0f4c5c],
        ],
        _ => &[
            [0x1d3557, 0xe63946, 0xa8dadc, 0xf1faee],
            [0x264653, 0x2a9d8f, 0xe9c46a, 0xf4a261],
            [0x10002b, 0x7b2cbf, 0xc77dff, 0xe0aaff],
            [0xedede9, 0x588157, 0x3a5a40, 0xdad7cd],
        ],
    }
}

/// One of eight compositions.
fn compose(dice: &mut Dice, palette: &[Colour; 4]) -> Vec<Shape> {
    let [_, first, second, third] = *palette;
    let (width, height) = (SIZE.0 as f32, SIZE.1 as f32);
    let shape = |form, colour, strength| Shape {
        form,
        colour,
        strength,
    };
    let (x, y) = (
        dice.between(0.25, 0.75) * width,
        dice.between(0.25, 0.55) * height,
    );
    let disc = |x, y, radius| Form::Disc { x, y, radius };
    match dice.of_sides(8) {
        0 => {
            let rings = (0..6).map(|i| {
                let (radius, half) = (30.0 + 26.0 * i as f32, 7.0);
                let colour = [first, second, third][i % 3];
                shape(Form::Ring { x, y, radius, half }, colour, 0.95)
            });
            rings.chain([shape(disc(x, y, 16.0), third, 1.0)]).collect()
        }
        1 => {
            let sun = shape(disc(x, y, dice.between(45.0, 75.0)), second, 1.0);
            let mut shapes = vec![sun];
            for (i, colour) in [third, first, mix(first, [0.0; 3], 0.45)]
                .into_iter()
                .enumerate()
            {
                let form = Form::Hill {
                    base: height * (0.58 + 0.14 * i as f32),
                    height: dice.between(12.0, 34.0),
                    length: dice.between(26.0, 60.0),
                    phase: dice.between(0.0, TAU),
                };
                shapes.push(shape(form, colour, 1.0));
            }
            shapes
        }
        2 => {
            let angle = dice.between(-1.0, 1.0);
            let bands = Form::Bands {
                angle,
                period: dice.between(36.0, 64.0),
                share: 0.5,
                phase: dice.between(0.0, 60.0),
            };
            vec![
                shape(bands, first, 1.0),
                shape(disc(x, y, dice.between(60.0, 90.0)), second, 1.0),
                shape(
                    disc(x + 14.0, y + 10.0, dice.between(24.0, 40.0)),
                    third,
                    1.0,
                ),
            ]
        }
        3 => {
            let count = dice.between(9.0, 16.0).round();
            let turn = dice.between(0.0, PI);
            vec![
                shape(Form::Rays { x, y, count, turn }, first, 0.9),
                shape(disc(x, y, 62.0), third, 1.0),
                shape(disc(x, y, 44.0), second, 1.0),
            ]
        }
        4 => {
            let step = dice.between(20.0, 30.0);
            let largest = step * 0.46;
            vec![
                shape(Form::Dots { step, largest }, first, 1.0),
                shape(disc(x, y + 60.0, dice.between(50.0, 80.0)), second, 0.92),
                shape(
                    Form::Ring {
                        x,
                        y: y + 60.0,
                        radius: 96.0,
                        half: 4.0,
                    },
                    third,
                    1.0,
                ),
            ]
        }
        5 => {
            let angle = dice.between(0.5, 1.1);
            vec![
                shape(Form::Side { x, y, angle }, first, 1.0),
                shape(
                    Form::Side {
                        x,
                        y: y + 90.0,
                        angle: -angle,
                    },
                    second,
                    0.85,
                ),
                shape(disc(x, y, dice.between(38.0, 60.0)), third, 1.0),
            ]
        }
        6 => {
            let mut shapes = vec![shape(disc(x, y, 58.0), second, 1.0)];
            let mut left = 8.0;
            while left < width {
                let half_x = dice.between(8.0, 20.0);
                let half_y = dice.between(40.0, 130.0);
                let colour = if dice.of_sides(4) == 0 { third } else { first };
                let form = Form::Box {
                    x: left + half_x,
                    y: height - half_y + 4.0,
                    half_x,
                    half_y,
                };
                shapes.push(shape(form, colour, 1.0));
                left += 2.0 * half_x + 5.0;
            }
            shapes
        }
        _ => {
            let radius = dice.between(66.0, 90.0);
            let apart = radius * dice.between(0.7, 1.0);
            vec![
                shape(disc(x - apart / 2.0, y, radius), first, 0.9),
                shape(disc(x + apart / 2.0, y, radius), second, 0.75),
                shape(disc(x, y + apart, radius), third, 0.75),
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_always_gets_the_same_picture_and_others_get_others() {
        let one = png("The Land Girls", "Drama").unwrap();
        assert_eq!(one, png("The Land Girls", "Drama").unwrap());
        assert_ne!(one, png("First Love, Last Rites", "Drama").unwrap());
        assert!(
            one.starts_with(b"\x89PNG") && one.len() < 60_000,
            "{}",
            one.len()
        );
    }
}
