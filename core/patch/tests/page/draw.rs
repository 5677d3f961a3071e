//! Traces, one above the other, as SVG.

use std::fmt::Write;

/// A named line of samples.
pub struct Trace {
    pub name: String,
    pub samples: Vec<f32>,
    /// What the lower and upper edge of its row stand for.
    pub low: f32,
    pub high: f32,
    /// Fed, not answered.
    pub is_input: bool,
}

const WIDTH: usize = 480;
const LEFT: usize = 90;
const ROW: usize = 56;

pub fn svg(traces: &[Trace]) -> String {
    let height = traces.len() * ROW + 8;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{height}\" viewBox=\"0 0 {w} {height}\">\n\
         <rect width=\"{w}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <g font-family=\"sans-serif\" font-size=\"11\" fill=\"#333\">\n",
        w = LEFT + WIDTH + 8,
    );
    for (row, trace) in traces.iter().enumerate() {
        let top = row * ROW + 8;
        let colour = if trace.is_input { "#888" } else { "#0b6" };
        let (y, bottom) = (top + 22, top + ROW - 12);
        writeln!(text, "<text x=\"4\" y=\"{y}\">{}</text>", trace.name).unwrap();
        writeln!(
            text,
            "<text x=\"{}\" y=\"{}\" font-size=\"9\" fill=\"#999\" text-anchor=\"end\">{}</text>",
            LEFT - 4,
            top + 8,
            trace.high
        )
        .unwrap();
        writeln!(
            text,
            "<text x=\"{}\" y=\"{bottom}\" font-size=\"9\" fill=\"#999\" text-anchor=\"end\">{}</text>",
            LEFT - 4,
            trace.low
        )
        .unwrap();
        writeln!(
            text,
            "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{WIDTH}\" height=\"{}\" fill=\"#f6f6f6\"/>",
            ROW - 12
        )
        .unwrap();
        let mut points = String::new();
        for column in 0..WIDTH {
            let count = trace.samples.len();
            let from = column * count / WIDTH;
            let to = ((column + 1) * count / WIDTH).max(from + 1).min(count);
            let part = &trace.samples[from.min(count - 1)..to];
            let (least, most) = part.iter().fold((f32::MAX, f32::MIN), |(a, b), &v| (a.min(v), b.max(v)));
            // The way from the lowest to the highest of the column, so that no pulse is lost.
            let first_is_least = part[0] - least < most - part[0];
            let both = if first_is_least { [least, most] } else { [most, least] };
            for value in &both[..if least == most { 1 } else { 2 }] {
                let share = ((value - trace.low) / (trace.high - trace.low)).clamp(-0.04, 1.04);
                let y = (top + ROW - 12) as f32 - share * (ROW - 12) as f32;
                write!(points, "{},{y:.1} ", LEFT + column).unwrap();
            }
        }
        let points = points.trim_end();
        writeln!(
            text,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.2\"/>"
        )
        .unwrap();
    }
    text.push_str("</g>\n</svg>\n");
    text
}
