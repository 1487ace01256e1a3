package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// pool hands out pinned connections, so that each keeps its prepared statements.
type pool struct {
	db    *sql.DB
	free  chan *pooled
	slots chan struct{} // one token for each connection that exists
	shut  chan struct{} // closed when nobody may acquire any more
	keep  bool          // the database lives in its connection: never drop it
}

// pooled is a connection in somebody's hands.
type pooled struct{ conn *sql.Conn }

func newPool(c *connector, n int, keep bool) *pool {
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return &pool{db: db, free: make(chan *pooled, n), slots: make(chan struct{}, n), shut: make(chan struct{}), keep: keep}
}

// acquire waits for a connection, opening one while there may be more.
func (p *pool) acquire(ctx context.Context) (*pooled, error) {
	select {
	case c := <-p.free:
		return c, nil
	default:
	}
	select {
	case c := <-p.free:
		return c, nil
	case p.slots <- struct{}{}:
		conn, err := p.db.Conn(ctx)
		if err != nil {
			<-p.slots
			return nil, err
		}
		return &pooled{conn: conn}, nil
	case <-p.shut:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// release gives a connection back; a broken one is dropped and replaced when
// somebody needs it.
func (p *pool) release(c *pooled, broken bool) {
	if !broken || p.keep {
		p.free <- c
		return
	}
	// This error makes database/sql close the connection instead of keeping it.
	_ = c.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = c.conn.Close()
	<-p.slots
}

// exclusive runs f while nobody else holds a connection of the pool, whose
// database/sql pool f may use. It serves pools of one connection.
func (p *pool) exclusive(ctx context.Context, f func(*sql.DB) error) error {
	c, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	if err := c.conn.Close(); err != nil { // unpins; the connection stays open
		return err
	}
	err = f(p.db)
	conn, perr := p.db.Conn(context.WithoutCancel(ctx))
	if perr != nil {
		<-p.slots
		return errors.Join(err, perr)
	}
	p.free <- &pooled{conn: conn}
	return err
}

// close waits until every connection is back, then closes them all. It is
// called once.
func (p *pool) close() error {
	close(p.shut)
	var errs []error
	for range cap(p.slots) {
		select {
		case p.slots <- struct{}{}: // this one was never opened
		case c := <-p.free:
			errs = append(errs, c.conn.Close())
		}
	}
	return errors.Join(append(errs, p.db.Close())...)
}

// raw runs f on the session under the connection's lock.
func (c *pooled) raw(f func(*session) error) error {
	return c.conn.Raw(func(dc any) error { return f(dc.(*session)) })
}
