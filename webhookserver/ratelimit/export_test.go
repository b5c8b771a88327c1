package ratelimit

// Keys returns the number of keys.
func (l *Limiter) Keys() int { return l.keys.Len() }
