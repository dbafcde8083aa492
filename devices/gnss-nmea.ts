import { z } from "zod";
import { defineNmeaDevice } from "../src/device/nmea-device.ts";

/**
 * Any GNSS receiver that speaks NMEA 0183: position, velocity, time and, with two antennas, heading. Ranges leave room
 * beyond what receivers send, so that no true value counts as clipped.
 */
export const gnssNmea = defineNmeaDevice({
  part: "gnss-nmea",
  summary: "GNSS receiver over NMEA 0183, any talker",
  source:
    "NMEA 0183 sentences GGA RMC GSA GSV VTG GST ZDA HDT THS; minmea, gpsd and pynmeagps agree on the fields used",
  options: z.strictObject({
    dateFloor: z.iso
      .date()
      .default("2026-01-01")
      .describe("no true day is before this one (a receiver whose week number rolled over says an older one)"),
  }),
  channels: {
    lat: { label: "Latitude", unit: "deg", range: [-90, 90], resolution: 1e-9, field: "lat" },
    lon: { label: "Longitude", unit: "deg", range: [-180, 180], resolution: 1e-9, field: "lon" },
    alt: { label: "Height above sea level", unit: "m", range: [-1000, 20_000], resolution: 0.001, field: "altMsl" },
    geoidSep: { label: "Geoid above ellipsoid", unit: "m", range: [-150, 150], resolution: 0.001, field: "geoidSep" },
    fixMode: { label: "Fix: 1 none, 2 2D, 3 3D", unit: "1", range: [0, 4], resolution: 1, field: "mode" },
    fixQuality: {
      label: "Fix quality: 4 RTK fixed, 5 RTK float",
      unit: "1",
      range: [-1, 10],
      resolution: 1,
      field: "quality",
    },
    satellites: { label: "Satellites used", unit: "1", range: [-1, 200], resolution: 1, field: "satsUsed" },
    hdop: { label: "Horizontal dilution", unit: "1", range: [0, 100], resolution: 0.01, field: "hdop" },
    pdop: { label: "Position dilution", unit: "1", range: [0, 100], resolution: 0.01, field: "pdop" },
    vdop: { label: "Vertical dilution", unit: "1", range: [0, 100], resolution: 0.01, field: "vdop" },
    speed: { label: "Speed over ground", unit: "m/s", range: [-1, 515], resolution: 0.001, field: "speed" },
    course: { label: "Course over ground", unit: "deg", range: [-1, 361], resolution: 0.001, field: "course" },
    heading: { label: "Heading", unit: "deg", range: [-1, 361], resolution: 0.001, field: "heading" },
    diffAge: { label: "Age of corrections", unit: "s", range: [-1, 10_000], resolution: 0.1, field: "diffAge" },
    sigmaLat: { label: "Latitude, 1σ", unit: "m", range: [-1, 1e6], resolution: 0.001, field: "sigmaLat" },
    sigmaLon: { label: "Longitude, 1σ", unit: "m", range: [-1, 1e6], resolution: 0.001, field: "sigmaLon" },
    sigmaAlt: { label: "Height, 1σ", unit: "m", range: [-1, 1e6], resolution: 0.001, field: "sigmaAlt" },
    satsInView: { label: "Satellites in view", unit: "1", range: [-1, 400], resolution: 1, field: "satsInView" },
    utc: { label: "UTC since 1970", unit: "ms", range: [0, 4_102_444_800_000], resolution: 1, field: "utcMs" },
  },
});
