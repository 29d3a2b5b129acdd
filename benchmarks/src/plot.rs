//! The results as pictures, which read on light and dark pages.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use crate::clients::Client;
use crate::measure::{COLD, P50, RATE};
use crate::results::Results;
use crate::work::{Kind, Work};

type Drawn = Result<(), Box<dyn Error>>;

const WIDTH: u32 = 860;
/// Of a bar with what is around it.
const BAR: u32 = 26;
/// Room for the names of clients.
const NAMES: u32 = 270;
/// Above and below the bars.
const MARGINS: u32 = 92;
const LINES: (u32, u32) = (WIDTH, 480);

const OURS: RGBColor = RGBColor(0x1b, 0x6c, 0xa8);
const OTHERS: RGBColor = RGBColor(0x9a, 0xa5, 0xb1);
/// For lines, told apart by people who see colours otherwise, too (Okabe and Ito).
const PALETTE: [RGBColor; 7] = [
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
];

/// What each picture shows, for who does not see it.
pub(crate) const PICTURES: [(&str, &str); 5] = [
    (
        "bench-round-trip.svg",
        "Bars: the median cycle of a 460 B message in microseconds, a bar for each client; \
         the numbers are those of the table in full.",
    ),
    (
        "bench-sizes.svg",
        "Lines: the median cycle from 460 B to 1 MB, a line for each of several clients; \
         to the floor it is the first table below.",
    ),
    (
        "bench-replies.svg",
        "Lines: the median cycle of a 460 B message by the size of its reply, to 1 MB, a line \
         for each of several clients; to the floor it is the first table below.",
    ),
    (
        "bench-connections.svg",
        "Lines: messages a second by the number of connections, for this component and for \
         tokio; the numbers are those of the tables on connections.",
    ),
    (
        "bench-cold-start.svg",
        "Bars: the time from the start of the process to its first acknowledgment, a bar for \
         each client; to the floor it is in the table on that.",
    ),
];

/// Draws all that there are numbers for, and tells the files' names.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn draw(results: &Results, folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut files = Vec::new();
    let mut drawn = |name: &str, there: bool, draw: &dyn Fn(&Path) -> Drawn| -> Drawn {
        if there {
            draw(&folder.join(name))?;
            files.push(name.to_owned());
        }
        Ok(())
    };
    drawn("bench-round-trip.svg", results.has("adt"), &|file| {
        let title = "Median cycle of a 460 B message, µs, logarithmic";
        bars(results, file, title, "adt", P50)
    })?;
    drawn("bench-cold-start.svg", results.has("cold"), &|file| {
        let title = "From the start of the process to its first acknowledgment, ms, logarithmic";
        bars(results, file, title, "cold", COLD)
    })?;
    let sizes = works(results, &["adt", "oru", "100kb", "mdm"]);
    drawn("bench-sizes.svg", sizes.len() > 1, &|file| {
        let title = "Median cycle by the message's size, µs";
        by_size(
            results,
            &sizes,
            |work| work.message.bytes().len(),
            title,
            file,
        )
    })?;
    let replies = works(results, &["adt", "reply-10kb", "reply-100kb", "reply"]);
    drawn("bench-replies.svg", replies.len() > 1, &|file| {
        let title = "Median cycle by the reply's size, µs";
        by_size(results, &replies, Work::reply_bytes, title, file)
    })?;
    let connections = by_connections(results);
    drawn("bench-connections.svg", connections.len() > 1, &|file| {
        Lines {
            title: "460 B messages a second over all connections of one process",
            across: "connections",
            series: &series(results, &connections, RATE),
            legend: SeriesLabelPosition::LowerLeft,
        }
        .on_a_scale_from_zero(file)
    })?;
    Ok(files)
}

/// A bar for each client, on a logarithmic scale.
fn bars(results: &Results, file: &Path, title: &str, work: &str, number: &str) -> Drawn {
    let mut clients: Vec<(Client, f64)> = Client::ALL
        .into_iter()
        .filter_map(|client| Some((client, results.number(work, client, number)?)))
        .filter(|(_, number)| *number > 0.0)
        .collect();
    clients.sort_by(|one, other| other.1.total_cmp(&one.1));
    let least = clients.iter().map(|one| one.1).fold(f64::MAX, f64::min) / 2.0;
    let most = clients.iter().map(|one| one.1).fold(0.0, f64::max) * 2.0;
    let height = MARGINS + BAR * clients.len() as u32;
    let area = SVGBackend::new(file, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(10)
        .x_label_area_size(36)
        .y_label_area_size(NAMES)
        .build_cartesian_2d((least..most).log_scale(), 0.0..clients.len() as f64)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .y_labels(0)
        .x_labels(4)
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|number| plain(*number))
        .draw()?;
    for (place, (client, number)) in clients.iter().enumerate() {
        let (low, high) = (place as f64 + 0.15, place as f64 + 0.85);
        let colour = if client.is_ours() { OURS } else { OTHERS };
        let bar = Rectangle::new([(least, low), (*number, high)], colour.filled());
        chart.draw_series([bar])?;
        let middle = place as f64 + 0.5;
        let left = chart.backend_coord(&(least, middle));
        name(&area, client.title(), (left.0 - 8, left.1 - 7), true)?;
        let right = chart.backend_coord(&(*number, middle));
        name(&area, &plain(*number), (right.0 + 6, right.1 - 7), false)?;
    }
    area.present()?;
    Ok(())
}

fn name(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    text: &str,
    place: (i32, i32),
    ends_there: bool,
) -> Drawn {
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    let across = if ends_there { HPos::Right } else { HPos::Left };
    let style = ("sans-serif", 13).into_font().color(&BLACK);
    let style = style.pos(Pos::new(across, VPos::Top));
    area.draw_text(text, &style, place)?;
    Ok(())
}

/// A line: a client, with places and numbers.
type Series = (Client, Vec<(f64, f64)>);

/// Those of these works that there is something to draw of.
fn works(results: &Results, names: &[&str]) -> Vec<Work> {
    let all = Work::all().into_iter();
    all.filter(|work| names.contains(&work.name.as_str()))
        .filter(|work| results.has(&work.name))
        .collect()
}

/// The clients that a line stands for: more would not be told apart.
const WITH_SIZE: [Client; 7] = [
    Client::Floor,
    Client::ComponentCt,
    Client::WasmtimeRun,
    Client::TokioCt,
    Client::PyHl7,
    Client::NodeNet,
    Client::SimpleHl7,
];

fn by_size(
    results: &Results,
    works: &[Work],
    size: fn(&Work) -> usize,
    title: &str,
    file: &Path,
) -> Drawn {
    let series: Vec<Series> = WITH_SIZE
        .into_iter()
        .map(|client| {
            let points = works.iter().filter_map(|work| {
                let number = results.number(&work.name, client, P50)?;
                Some((size(work) as f64, number))
            });
            (client, points.collect())
        })
        .collect();
    Lines {
        title,
        across: "bytes",
        series: &series,
        legend: SeriesLabelPosition::UpperLeft,
    }
    .on_a_logarithmic_scale(file)
}

/// The works with many connections: of the scale, where it was measured, since it goes
/// further.
fn by_connections(results: &Results) -> Vec<Work> {
    let of = |group: &str| -> Vec<Work> {
        let all = Work::all().into_iter();
        all.filter(|work| matches!(work.kind, Kind::Connections(_)) && !work.tls)
            .filter(|work| work.is(group) && results.has(&work.name))
            .collect()
    };
    match of("scale") {
        scale if scale.len() > 1 => scale,
        _ => of("connections"),
    }
}

fn series(results: &Results, works: &[Work], name: &str) -> Vec<Series> {
    let of = |client: Client| {
        let points = works.iter().filter_map(|work| {
            let number = results.number(&work.name, client, name)?;
            Some((work.connection_count() as f64, number))
        });
        (client, points.collect())
    };
    let clients = [
        Client::TokioCt,
        Client::ComponentCt,
        Client::TokioMt,
        Client::ComponentMt,
    ];
    clients.into_iter().map(of).collect()
}

/// Lines, whose places are on a logarithmic scale.
struct Lines<'a> {
    title: &'a str,
    across: &'a str,
    series: &'a [Series],
    /// Where there is room for what the lines stand for.
    legend: SeriesLabelPosition,
}

impl Lines<'_> {
    fn range(&self, of: fn(&(f64, f64)) -> f64) -> std::ops::Range<f64> {
        let points = || self.series.iter().flat_map(|(_, points)| points);
        let least = points().map(of).fold(f64::MAX, f64::min);
        let most = points().map(of).fold(0.0, f64::max);
        (least * 0.8)..(most * 1.25)
    }

    /// With numbers on a logarithmic scale.
    fn on_a_logarithmic_scale(&self, file: &Path) -> Drawn {
        let (x, y) = (self.range(|point| point.0), self.range(|point| point.1));
        self.draw(file, x.log_scale(), y.log_scale())
    }

    /// With numbers on a scale from zero.
    fn on_a_scale_from_zero(&self, file: &Path) -> Drawn {
        let (x, y) = (self.range(|point| point.0), self.range(|point| point.1));
        self.draw(file, x.log_scale(), 0.0..y.end)
    }

    fn draw<X, Y>(&self, file: &Path, x: X, y: Y) -> Drawn
    where
        X: AsRangedCoord<Value = f64, CoordDescType: ValueFormatter<f64>>,
        Y: AsRangedCoord<Value = f64, CoordDescType: ValueFormatter<f64>>,
    {
        let area = SVGBackend::new(file, LINES).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(66)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc(self.across)
            .x_label_formatter(&|number| plain(*number))
            .y_label_formatter(&|number| plain(*number))
            .draw()?;
        for ((client, points), colour) in self.series.iter().zip(PALETTE) {
            if points.is_empty() {
                continue;
            }
            let style = colour.stroke_width(2);
            chart
                .draw_series(LineSeries::new(points.iter().copied(), style).point_size(3))?
                .label(client.title())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        chart
            .configure_series_labels()
            .position(self.legend.clone())
            .background_style(WHITE.mix(0.85))
            .border_style(OTHERS)
            .label_font(("sans-serif", 13))
            .draw()?;
        area.present()?;
        Ok(())
    }
}

/// As people write numbers.
fn plain(number: f64) -> String {
    match number {
        1_000_000.0.. => format!("{} M", round(number / 1e6)),
        10_000.0.. => format!("{} k", round(number / 1e3)),
        _ => round(number),
    }
}

fn round(number: f64) -> String {
    match number {
        100.0.. => format!("{number:.0}"),
        _ => {
            let text = format!("{number:.1}");
            text.strip_suffix(".0").unwrap_or(&text).to_owned()
        }
    }
}
